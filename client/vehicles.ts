import { type BatchItem, type BatchOptions, batchOf } from './batch.ts';
import { sendHashFirst, type UploadOptions } from './hash-first.ts';
import { bytesOf, type ImageFile, type ImageReference } from './image.ts';
import { type CallOptions, readJson, type Transport } from './transport/transport.ts';
import type { ClassifyParameters, ClassifyResponse, ModelsResponse, VehicleReport } from './vehicle-types.ts';

export interface ReportOptions extends CallOptions {
  /** Under which the report is kept for an hour; made by the service where it is not given. */
  vehicleId?: string;
}

/** Vehicle recognition: make, model, body type, colour, decade and country, with calibrated probabilities. */
export class Vehicles {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @param image a file; or its SHA-256, for a classification that is cached (else `NOT_FOUND`) */
  classify(
    image: ImageReference,
    parameters: ClassifyParameters = {},
    options: UploadOptions = {},
  ): Promise<ClassifyResponse> {
    const routes = { byHash: '/api/vehicle', upload: '/api/vehicle/classify', query: parameters };
    return sendHashFirst(this.#transport, image, routes, options, readJson<ClassifyResponse>);
  }

  /** {@link classify} for many images. Yields each result as soon as it is there, in no particular order. */
  classifyBatch<Image extends ImageFile>(
    images: Iterable<Image> | AsyncIterable<Image>,
    parameters: ClassifyParameters = {},
    options: BatchOptions = {},
  ): AsyncGenerator<BatchItem<Image, ClassifyResponse>> {
    return batchOf(images, options, (image, upload) => this.classify(image, parameters, upload));
  }

  /** Classifies an image and keeps a report of it. */
  async report(image: ImageFile, { vehicleId, ...call }: ReportOptions = {}): Promise<VehicleReport> {
    return this.#transport.sendForJson({
      ...call,
      method: 'POST',
      path: '/api/vehicle/report',
      body: reportForm(await bytesOf(image), 'json', vehicleId),
    });
  }

  /** The same as a page of HTML that stands alone. */
  async reportPage(image: ImageFile, { vehicleId, ...call }: ReportOptions = {}): Promise<string> {
    const body = reportForm(await bytesOf(image), 'html', vehicleId);
    return this.#transport.send({ ...call, method: 'POST', path: '/api/vehicle/report', body }, (response) =>
      response.text(),
    );
  }

  /** A report of the last hour. @throws EdgesiftError `REPORT_NOT_FOUND` */
  findReport(vehicleId: string, call: CallOptions = {}): Promise<VehicleReport> {
    return this.#transport.sendForJson({
      ...call,
      path: `/api/vehicle/report/${encodeURIComponent(vehicleId)}`,
    });
  }

  /** The models that are served, with what was measured of them. */
  models(call: CallOptions = {}): Promise<ModelsResponse> {
    return this.#transport.sendForJson({ ...call, path: '/api/models/metadata' });
  }
}

function reportForm(bytes: Uint8Array<ArrayBuffer>, format: string, vehicleId: string | undefined): FormData {
  const form = new FormData();
  form.append('file', new Blob([bytes]), 'image');
  form.append('format', format);
  if (vehicleId !== undefined) form.append('vehicle_id', vehicleId);
  return form;
}
