"""Client of an edgesift service: SIFT image features and vehicle recognition over HTTPS."""

from .batch import BatchItem
from .cached_keys import CachedKeys
from .client import Client, FeatureFile
from .errors import (
    ConnectionFailed,
    EdgesiftError,
    FeaturesNotCached,
    Forbidden,
    ImageReadError,
    ImageTooLarge,
    InternalServerError,
    InvalidImage,
    InvalidParameter,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    OriginUnavailable,
    Overloaded,
    RateLimited,
    ReportNotFound,
    ServiceNotReady,
    ServiceTimeout,
    TimedOut,
    Unauthorized,
    UnexpectedResponse,
    UnsupportedMediaType,
)
from .features import Features, read_features
from .image import ImageFile, ImageReference
from .jobs import Jobs
from .retry import Retry, RetryPolicy
from .vehicles import Vehicles

__all__ = [
    "BatchItem",
    "CachedKeys",
    "Client",
    "ConnectionFailed",
    "EdgesiftError",
    "FeatureFile",
    "Features",
    "FeaturesNotCached",
    "Forbidden",
    "ImageFile",
    "ImageReadError",
    "ImageReference",
    "ImageTooLarge",
    "InternalServerError",
    "InvalidImage",
    "InvalidParameter",
    "Jobs",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "OriginUnavailable",
    "Overloaded",
    "RateLimited",
    "ReportNotFound",
    "Retry",
    "RetryPolicy",
    "ServiceNotReady",
    "ServiceTimeout",
    "TimedOut",
    "Unauthorized",
    "UnexpectedResponse",
    "UnsupportedMediaType",
    "Vehicles",
    "read_features",
]
