import { ServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import { checkDenoising } from '../../shared/denoising.ts';
import { toHex } from '../../shared/hex.ts';
import {
  checkByteLength,
  checkPixelCount,
  type ImageHeader,
  readImageHeader,
  readVehicleImageHeader,
  type VehicleImageHeader,
} from '../../shared/image-header.ts';
import { sha256 } from '../../shared/sha256.ts';
import type { EdgeContext } from '../context.ts';
import { verifyContentDigest } from '../http/content-digest.ts';
import { requireIdentityEncoding } from '../http/content-encoding.ts';
import { type FormPart, parseForm } from '../http/form.ts';
import { queryParameters } from '../http/query.ts';
import {
  announcesSmallBody,
  type BodyLimits,
  collectBody,
  discardBody,
  firstRoomFor,
  wholeRoomFor,
} from '../http/request-body.ts';
import type { Timing } from '../observability/timing.ts';
import type { MemoryBudget, MemoryLease } from '../resilience/memory-budget.ts';
import type { ImageForm } from './image-form.ts';

/** An image whose header is valid, and its hash. */
export interface IdentifiedImage<Header = ImageHeader> {
  bytes: Uint8Array<ArrayBuffer>;
  header: Header;
  digest: Uint8Array;
  /** `digest` in hexadecimal. */
  sha256: string;
}

/** A received form: its parameters are valid, its images are not checked yet. */
export interface ReceivedForm<Parameters> {
  /** The parts in the fields of images, in their order. */
  images: [FormPart, ...FormPart[]];
  parameters: Parameters;
  /** Memory of all bytes; to be released when the images are not needed any more. */
  lease: MemoryLease;
}

export interface UploadLimits extends ImageLimits {
  /** Longest time for the body to arrive. */
  timeoutMs: number;
}

/** Room for the bodies of uploads. Small ones have their own, so that large ones never delay them. */
export interface UploadBudgets {
  small: MemoryBudget;
  large: MemoryBudget;
}

/** Room for boundaries, part headers and parameter fields around the images of a multipart body. */
const MULTIPART_OVERHEAD_BYTES = 64 * 1024;
/** A client that is refused and sends nothing for so long does not get the response. */
const REFUSED_PAUSE_MS = 5_000;
const MULTIPART = 'multipart/form-data';
const RAW_IMAGE = 'image/*';

/**
 * The one way in for images, in one order of checks: encoding and media type of the body, room for it, its length and
 * its arrival, its digest, the form, the parameters; then for each image its length, its format by content, its pixels,
 * the cost of its denoising, and only then its hash.
 */
export class Ingest {
  readonly #limits: UploadLimits;
  readonly #budgets: UploadBudgets;

  constructor(limits: UploadLimits, budgets: UploadBudgets) {
    this.#limits = limits;
    this.#budgets = budgets;
  }

  /** Bytes of the largest image. */
  get maxImageBytes(): number {
    return this.#limits.maxBytes;
  }

  /** Longest time for a body to arrive, in milliseconds. */
  get timeoutMs(): number {
    return this.#limits.timeoutMs;
  }

  /**
   * Reads the body of a request within the memory budget.
   *
   * @param parse reads `name=value` pairs of the query and the form
   * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, `OVERLOADED`, `IMAGE_TOO_LARGE`, `SERVICE_TIMEOUT` for a body too
   *   slow, `INVALID_IMAGE` for one that breaks off, `INVALID_PARAMETER` for a form that is malformed or has not the
   *   right images, for a body that its `Content-Digest` contradicts, and for parameters; also the errors of `parse`
   */
  async receive<Parameters>(
    context: EdgeContext,
    form: ImageForm,
    parse: (pairs: [string, string][]) => Parameters,
  ): Promise<ReceivedForm<Parameters>> {
    const { raw: request } = context.req;
    const isMultipart = checkMediaType(request, form);
    const limits = isMultipart ? formLimits(this.#limits, form) : this.#limits;
    const lease = await this.#makeRoom(request, limits);
    try {
      return await context
        .get('timing')
        .measure('validate', () => readForm(request, { form, limits, lease, parse, isMultipart }));
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /**
   * Reads a body that is no image within the memory budget.
   *
   * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE` for a compressed one, `OVERLOADED`, `IMAGE_TOO_LARGE`, `SERVICE_TIMEOUT`,
   *   `INVALID_IMAGE` for one that breaks off
   */
  async receiveDocument(
    request: Request,
    maxBytes: number,
  ): Promise<{ bytes: Uint8Array<ArrayBuffer>; lease: MemoryLease }> {
    requireIdentityEncoding(request);
    const limits = { maxBytes, timeoutMs: this.#limits.timeoutMs };
    const lease = await this.#makeRoom(request, limits);
    try {
      return { bytes: await collectBody(request, limits, lease), lease };
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** @throws ServiceError `OVERLOADED`, once the client has sent what would else break its connection */
  async #makeRoom(request: Request, limits: BodyLimits): Promise<MemoryLease> {
    const budget = announcesSmallBody(request) ? this.#budgets.small : this.#budgets.large;
    try {
      return await budget.acquire(firstRoomFor(request, limits), wholeRoomFor(request, limits));
    } catch (error) {
      await discardBody(request, REFUSED_PAUSE_MS);
      throw error;
    }
  }

  /**
   * Checks and hashes one image.
   *
   * @throws ServiceError `IMAGE_TOO_LARGE`, `INVALID_IMAGE`, `INVALID_PARAMETER` for text in the place of a file
   */
  identify(part: FormPart, sift: SiftParameters, timing: Timing): Promise<IdentifiedImage> {
    return this.#identify(part, timing, (bytes) => {
      const header = readImageHeader(bytes);
      checkPixelCount(header, this.#limits);
      checkDenoising(header, sift);
      return header;
    });
  }

  /** The same for an image of a vehicle, which may be a GIF too. */
  identifyVehicle(part: FormPart, timing: Timing): Promise<IdentifiedImage<VehicleImageHeader>> {
    return this.#identify(part, timing, (bytes) => {
      const header = readVehicleImageHeader(bytes);
      checkPixelCount(header, this.#limits);
      return header;
    });
  }

  async #identify<Header>(
    part: FormPart,
    timing: Timing,
    read: (bytes: Uint8Array) => Header,
  ): Promise<IdentifiedImage<Header>> {
    const { bytes } = part;
    checkByteLength(bytes.length, this.#limits);
    const header = headerOf(part, read);
    const digest = await timing.measure('hash', () => sha256(bytes));
    return { bytes, header, digest, sha256: toHex(digest) };
  }
}

/** Some clients send files without a file name: then the content alone says that it is one. */
function headerOf<Header>({ name, fileName, bytes }: FormPart, read: (bytes: Uint8Array) => Header): Header {
  try {
    return read(bytes);
  } catch (error) {
    const isNoImage = error instanceof ServiceError && error.code === 'INVALID_IMAGE';
    if (fileName !== undefined || !isNoImage) throw error;
    throw new ServiceError('INVALID_PARAMETER', `Field '${name}' must be an image file.`, {
      details: { parameter: name },
      cause: error,
    });
  }
}

/** @returns whether the body is a multipart form */
function checkMediaType(request: Request, { acceptsRawImage, invitation }: ImageForm): boolean {
  requireIdentityEncoding(request);
  const mediaType = mediaTypeOf(request);
  if (mediaType === MULTIPART) return true;
  if (acceptsRawImage && mediaType.startsWith('image/')) return false;
  const supported = acceptsRawImage ? [MULTIPART, RAW_IMAGE] : [MULTIPART];
  throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', invitation, { details: { supported } });
}

function mediaTypeOf(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function formLimits({ maxBytes, timeoutMs }: UploadLimits, { maxLengthInImages }: ImageForm): BodyLimits {
  return { maxBytes: maxLengthInImages * maxBytes + MULTIPART_OVERHEAD_BYTES, timeoutMs };
}

async function readForm<Parameters>(
  request: Request,
  options: {
    form: ImageForm;
    limits: BodyLimits;
    lease: MemoryLease;
    parse: (pairs: [string, string][]) => Parameters;
    isMultipart: boolean;
  },
): Promise<ReceivedForm<Parameters>> {
  const { form, limits, lease, parse, isMultipart } = options;
  const body = await collectBody(request, limits, lease);
  await verifyContentDigest(request.headers.get('content-digest'), body);
  const parts = isMultipart
    ? parseForm(body, request.headers.get('content-type') ?? '')
    : [{ name: form.fields[0], fileName: '', bytes: body }];
  const images = imagesOf(parts, form);
  const fields = parts.filter((part) => !images.includes(part)).map(fieldOf);
  return { images, parameters: parse([...queryParameters(request), ...fields]), lease };
}

function imagesOf(parts: FormPart[], { fields, maxImages }: ImageForm): [FormPart, ...FormPart[]] {
  const [first, ...others] = parts.filter(({ name }) => fields.includes(name));
  const count = first ? 1 + others.length : 0;
  if (first && count <= maxImages) return [first, ...others];
  const [field] = fields;
  const message =
    count === 0
      ? `The form has no file in the field '${field}'.`
      : maxImages === 1
        ? 'The form has more than one image.'
        : `The form has more than ${maxImages} images.`;
  throw new ServiceError('INVALID_PARAMETER', message, {
    details: { parameter: field, ...(count > 0 && { max: maxImages, actual: count }) },
  });
}

function fieldOf({ name, fileName, bytes }: FormPart): [string, string] {
  if (fileName === undefined) return [name, new TextDecoder().decode(bytes)];
  const parameter = name.slice(0, 64);
  throw new ServiceError('INVALID_PARAMETER', `Field '${parameter}' must not be a file.`, {
    details: { parameter },
  });
}
