"""The crawl: one Scrapy spider over every source, run as a child process.  The only import of scrapy.

What is Scrapy's own: queues, robots.txt, redirects, proxies, compression, limits of size.  What is
ours, because Scrapy has it otherwise or not at all: validators from our database, Retry-After, a
time budget for each host, and the mirror.
"""
