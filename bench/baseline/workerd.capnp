# The benchmark's baseline, served as the service's Worker is: tools/worker/workerd.capnp.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "baseline", worker = (
    modules = [(name = "worker.js", esModule = embed "../../build/baseline/worker.js")],
    compatibilityDate = "2026-10-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "baseline")],
);
