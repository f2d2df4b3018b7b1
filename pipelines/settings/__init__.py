"""``kizuna.yml``: the shape of the settings, and how they are read."""

from pipelines.settings.base import Model
from pipelines.settings.company import (
    CONFIG_NAME,
    Arrivals,
    Company,
    CustomerKey,
    LifetimeValue,
    Matching,
    PostgresExport,
    Privacy,
    Publication,
    Schedule,
    Serve,
    Settings,
    Thresholds,
)
from pipelines.settings.mapping import ColumnMapping, TableMapping
from pipelines.settings.reading import (
    SettingsError,
    customer_key_secret,
    load_settings,
    secret_value,
    setting_secret,
)
from pipelines.settings.sources import (
    ApiSource,
    DatabaseSource,
    DatabaseTable,
    FileSource,
    Secret,
    Source,
    Watermark,
)

__all__ = [
    "CONFIG_NAME",
    "ApiSource",
    "Arrivals",
    "ColumnMapping",
    "Company",
    "CustomerKey",
    "DatabaseSource",
    "DatabaseTable",
    "FileSource",
    "LifetimeValue",
    "Matching",
    "Model",
    "PostgresExport",
    "Privacy",
    "Publication",
    "Schedule",
    "Secret",
    "Serve",
    "Settings",
    "SettingsError",
    "Source",
    "TableMapping",
    "Thresholds",
    "Watermark",
    "customer_key_secret",
    "load_settings",
    "secret_value",
    "setting_secret",
]
