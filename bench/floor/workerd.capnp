# The Worker of worker.ts, with what tools/worker/workerd.capnp gives the service's.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "floor", worker = .floor),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "floor")],
);

const floor :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "../../build/floor/worker.js")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    (name = "UPSTASH_REDIS_REST_URL", fromEnvironment = "UPSTASH_REDIS_REST_URL"),
    (name = "UPSTASH_REDIS_REST_TOKEN", fromEnvironment = "UPSTASH_REDIS_REST_TOKEN"),
    (name = "ORIGIN_URL", fromEnvironment = "ORIGIN_URL"),
    (name = "ORIGIN_SECRET", fromEnvironment = "ORIGIN_SECRET"),
    (name = "EXTRACTOR", fromEnvironment = "EXTRACTOR"),
  ],
);
