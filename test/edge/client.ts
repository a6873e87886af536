import * as z from 'zod';
import {
  descriptorRowsSchema,
  detectAnswerSchema,
  keypointColumnsSchema,
} from '../../shared/contract/answers.ts';
import { problemSchema } from '../../shared/contract/errors.ts';

export const DETECT = '/api/v1/features/detect';

export function imageForm(
  bytes: Uint8Array<ArrayBuffer>,
  options: { field?: string; fileName?: string; fields?: Record<string, string> } = {},
): FormData {
  const form = new FormData();
  form.append(options.field ?? 'image', new File([bytes], options.fileName ?? 'picture.png'));
  for (const [name, value] of Object.entries(options.fields ?? {})) form.append(name, value);
  return form;
}

export function postImage(
  url: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: { query?: string; headers?: Record<string, string>; fileName?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  const { query = '', headers = {}, fileName, signal } = options;
  const body = imageForm(bytes, fileName ? { fileName } : {});
  // A connection of its own: one that lay idle may be closed by the server just as it is used again.
  const fresh = { connection: 'close', ...headers };
  return fetch(`${url}${DETECT}${query}`, {
    method: 'POST',
    body,
    headers: fresh,
    ...(signal && { signal }),
  });
}

/** Checks an answer against the public contract and gives it back typed. */
export async function readAnswer(response: Response) {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
  return detectAnswerSchema.strict().parse(JSON.parse(text));
}

const keypointsAnswerSchema = z.strictObject({ ...detectAnswerSchema.shape, ...keypointColumnsSchema.shape });

export async function readKeypointsAnswer(response: Response) {
  return keypointsAnswerSchema.parse(await response.json());
}

const completeAnswerSchema = keypointsAnswerSchema.extend(descriptorRowsSchema.shape);

export async function readCompleteAnswer(response: Response) {
  return completeAnswerSchema.parse(await response.json());
}

/** Checks an error against the contract: the media type, the shape, the status in body and head, the request id. */
export async function readProblem(response: Response) {
  const problem = problemSchema.strict().parse(await response.json());
  const headers = response.headers;
  const told = [headers.get('content-type'), headers.get('x-request-id'), response.status];
  const expected = ['application/problem+json', problem.request_id, problem.status];
  if (String(told) !== String(expected)) throw new Error(`head and body of the problem differ: ${told}`);
  return problem;
}
