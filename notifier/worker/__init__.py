"""Workers: the stages of a run as jobs of a queue on PostgreSQL.  The only import of Procrastinate.

Only synchronous tasks: one that blocked the event loop would pass for dead. No lock of Procrastinate's either: what
excludes another process is an advisory lock or a claimed row, which ends with its connection.
"""
