"""The configuration: a TOML file and the environment, made into one frozen Config."""

from notifier.config.channels import Mail, Operator, Slack
from notifier.config.digests import Digests
from notifier.config.due import DueSettings
from notifier.config.images import ImageBaseSettings, ImageSettings, RegistrySettings
from notifier.config.inventory import ZONE, Collecting, InventorySettings, MappingPaths
from notifier.config.loading import example, load, log_variables, read, table
from notifier.config.locations import config_path, default_database, default_path
from notifier.config.operation import Log, LogFormat, LogLevel, Metrics, Retention, Workers
from notifier.config.settings import Config
from notifier.config.sources import Polling, SourceSettings
from notifier.config.web import SignInMethod, Web, WebAuth, WebRole, WebSubscribe, listen_address

__all__ = [
    "ZONE",
    "Collecting",
    "Config",
    "Digests",
    "DueSettings",
    "ImageBaseSettings",
    "ImageSettings",
    "InventorySettings",
    "Log",
    "LogFormat",
    "LogLevel",
    "Mail",
    "MappingPaths",
    "Metrics",
    "Operator",
    "Polling",
    "RegistrySettings",
    "Retention",
    "SignInMethod",
    "Slack",
    "SourceSettings",
    "Web",
    "WebAuth",
    "WebRole",
    "WebSubscribe",
    "Workers",
    "config_path",
    "default_database",
    "default_path",
    "example",
    "listen_address",
    "load",
    "log_variables",
    "read",
    "table",
]
