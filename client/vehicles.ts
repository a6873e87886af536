import { type BatchItem, type BatchOptions, batchOf } from './batch.ts';
import type {
  ClassifyParameters,
  ClassifyResponse,
  ModelsResponse,
  ReportParameters,
  ReportResponse,
} from './contract.ts';
import { mediaTypeOf, sendHashFirst, type UploadOptions } from './hash-first.ts';
import { bytesOf, type ImageFile, type ImageReference } from './image.ts';
import { type CallOptions, type Query, readJson, type Transport } from './transport/transport.ts';

export interface ReportOptions extends CallOptions {
  /** Under which the report is kept for an hour; made by the service where it is not given. */
  vehicleId?: string | undefined;
  /** Where the vehicle is, as `x,y,width,height`; searched for where it is not given. */
  box?: string | undefined;
}

/** Vehicle recognition: make, model, body type, colour, decade and country, with calibrated probabilities (docs/vehicles.md). */
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
  report(image: ImageFile, options: ReportOptions = {}): Promise<ReportResponse> {
    return this.#report(image, 'json', options, readJson<ReportResponse>);
  }

  /** The same as a page of HTML that stands alone. */
  reportPage(image: ImageFile, options: ReportOptions = {}): Promise<string> {
    return this.#report(image, 'html', options, (response) => response.text());
  }

  /** A report of the last hour. @throws EdgesiftError `REPORT_NOT_FOUND` */
  findReport(vehicleId: string, call: CallOptions = {}): Promise<ReportResponse> {
    return this.#transport.sendForJson({
      ...call,
      path: `/api/vehicle/report/${encodeURIComponent(vehicleId)}`,
    });
  }

  /** The models that are served, with what was measured of them. */
  models(call: CallOptions = {}): Promise<ModelsResponse> {
    return this.#transport.sendForJson({ ...call, path: '/api/models/metadata' });
  }

  async #report<Result>(
    image: ImageFile,
    format: NonNullable<ReportParameters['format']>,
    { vehicleId, box, ...call }: ReportOptions,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const query: Query = { format, vehicle_id: vehicleId, box };
    const headers = { 'Content-Type': mediaTypeOf(image) };
    const body = await bytesOf(image);
    return this.#transport.send(
      { ...call, method: 'POST', path: '/api/vehicle/report', query, headers, body },
      read,
    );
  }
}
