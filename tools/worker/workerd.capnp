# The Worker as it runs outside Cloudflare: on a developer's machine, in tests, benchmarks and docker-compose.
# Settings come from environment variables of the same names.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    # Origin and Redis gateway are on this machine or in its private network, Upstash is public.
    (name = "internet", network = (
      allow = ["public", "private", "local"],
      tlsOptions = (trustBrowserCas = true),
    )),
    # In the place of Cloudflare's; its path comes from the command line.
    (name = "assets", disk = ()),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "../../build/worker/worker.js")],
  # As in wrangler.toml.
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    (name = "ASSETS", service = "assets"),
    (name = "UPSTASH_REDIS_REST_URL", fromEnvironment = "UPSTASH_REDIS_REST_URL"),
    (name = "UPSTASH_REDIS_REST_TOKEN", fromEnvironment = "UPSTASH_REDIS_REST_TOKEN"),
    (name = "ORIGIN_URL", fromEnvironment = "ORIGIN_URL"),
    (name = "JOBS_URL", fromEnvironment = "JOBS_URL"),
    (name = "ORIGIN_SECRET", fromEnvironment = "ORIGIN_SECRET"),
    (name = "EXTRACTOR", fromEnvironment = "EXTRACTOR"),
    (name = "CACHE_TTL", fromEnvironment = "CACHE_TTL"),
    (name = "MAX_IMAGE_BYTES", fromEnvironment = "MAX_IMAGE_BYTES"),
    (name = "MAX_IMAGE_PIXELS", fromEnvironment = "MAX_IMAGE_PIXELS"),
    (name = "ORIGIN_TIMEOUT_MS", fromEnvironment = "ORIGIN_TIMEOUT_MS"),
    (name = "REDIS_TIMEOUT_MS", fromEnvironment = "REDIS_TIMEOUT_MS"),
    (name = "UPLOAD_TIMEOUT_MS", fromEnvironment = "UPLOAD_TIMEOUT_MS"),
    (name = "REQUIRE_API_KEY", fromEnvironment = "REQUIRE_API_KEY"),
    (name = "RATE_LIMIT", fromEnvironment = "RATE_LIMIT"),
    (name = "RATE_LIMIT_WINDOW_S", fromEnvironment = "RATE_LIMIT_WINDOW_S"),
    (name = "RATE_LIMIT_MISS_COST", fromEnvironment = "RATE_LIMIT_MISS_COST"),
    (name = "CLIENT_ADDRESS_HEADER", fromEnvironment = "CLIENT_ADDRESS_HEADER"),
    (name = "CORS_ORIGINS", fromEnvironment = "CORS_ORIGINS"),
    (name = "OTEL_EXPORTER_OTLP_ENDPOINT", fromEnvironment = "OTEL_EXPORTER_OTLP_ENDPOINT"),
    (name = "OTEL_EXPORTER_OTLP_HEADERS", fromEnvironment = "OTEL_EXPORTER_OTLP_HEADERS"),
    (name = "OTEL_TRACES_SAMPLER_ARG", fromEnvironment = "OTEL_TRACES_SAMPLER_ARG"),
    (name = "LOG_SAMPLE_RATE", fromEnvironment = "LOG_SAMPLE_RATE"),
  ],
);
