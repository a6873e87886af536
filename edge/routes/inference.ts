import type { Hono } from 'hono';
import {
  BINARY_EXTENSION,
  INFERENCE_INPUT,
  INFERENCE_MODEL,
  type InferenceModel,
} from '../../shared/contract/inference.ts';
import {
  infer,
  inferenceLive,
  inferenceModel,
  inferenceModelReady,
  inferenceReady,
  inferenceServer,
  inferenceVersion,
  inferenceVersionReady,
  inferVersion,
} from '../../shared/contract/routes/inference.ts';
import type { VehicleModel } from '../../shared/contract/vehicles.ts';
import { SERVICE_NAME, SERVICE_VERSION } from '../../shared/service.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';
import { requireReady, respondToInference, servedModel } from '../vehicles/inference.ts';
import { outputTensors } from '../vehicles/inference-response.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

/** `/v2`: the Open Inference Protocol V2, as KServe and Triton speak it, over the same path as all classifications. */
export function registerInference(app: Hono<EdgeEnvironment>, services: Services): void {
  registerState(app, services);
  addRoute(app, inferenceModel, async (context) =>
    context.json(modelMetadata(await servedModel(services)), 200, NO_STORE),
  );
  addRoute(app, inferenceVersion, async (context) =>
    context.json(modelMetadata(await servedModel(services, context.req.param('version'))), 200, NO_STORE),
  );
  addRoute(app, infer, (context) => respondToInference(context, services));
  addRoute(app, inferVersion, (context) =>
    respondToInference(context, services, context.req.param('version')),
  );
}

function registerState(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, inferenceServer, (context) =>
    context.json({ name: SERVICE_NAME, version: SERVICE_VERSION, extensions: [BINARY_EXTENSION] }),
  );
  addRoute(app, inferenceLive, (context) => context.json({ live: true }, 200, NO_STORE));
  addRoute(app, inferenceReady, async (context) => {
    await requireReady(services);
    return context.json({ ready: true }, 200, NO_STORE);
  });
  const modelReady = { name: INFERENCE_MODEL, ready: true };
  addRoute(app, inferenceModelReady, async (context) => {
    await requireReady(services);
    return context.json(modelReady, 200, NO_STORE);
  });
  addRoute(app, inferenceVersionReady, async (context) => {
    await requireReady(services, context.req.param('version'));
    return context.json(modelReady, 200, NO_STORE);
  });
}

function modelMetadata(model: VehicleModel): InferenceModel {
  return {
    name: INFERENCE_MODEL,
    versions: [model.version],
    platform: SERVICE_NAME,
    inputs: [{ name: INFERENCE_INPUT, datatype: 'BYTES', shape: [-1] }],
    outputs: outputTensors(model),
  };
}
