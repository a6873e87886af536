import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import { type DocumentedOperation, document, operations, PROBLEM } from './documented.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'document', components: document.components });

/** Everything of the document that can be exercised, one line each. */
export function documentedThings(): string[] {
  return operations.flatMap((operation) => [
    ...operation.parameters.map((parameter) => parameterOf(operation, parameter.name)),
    ...Object.entries(operation.responses).flatMap(([status, { content }]) => [
      statusOf(operation, status),
      ...Object.entries(content).flatMap(([mediaType, { examples }]) =>
        mediaType === PROBLEM
          ? Object.keys(examples).map((code) => codeOf(operation, status, code))
          : [typeOf(operation, status, mediaType)],
      ),
    ]),
  ]);
}

const parameterOf = ({ name }: DocumentedOperation, parameter: string) => `${name}: parameter ${parameter}`;
const statusOf = ({ name }: DocumentedOperation, status: string) => `${name}: ${status}`;
const typeOf = ({ name }: DocumentedOperation, status: string, mediaType: string) =>
  `${name}: ${status} ${mediaType}`;
const codeOf = ({ name }: DocumentedOperation, status: string, code: string) => `${name}: ${status} ${code}`;

/**
 * Holds exchanges with the service against the document: a response that it does not describe is an error, and what it
 * describes and nobody has met is found by {@link missing}.
 */
export class Recorder {
  readonly #met = new Set<string>();

  /** @throws Error for a response that the document does not describe */
  async record(request: Request, response: Response): Promise<void> {
    const { pathname, searchParams } = new URL(request.url);
    const operation = operations.find(
      ({ method, pattern }) => method === request.method && pattern.test(pathname),
    );
    if (!operation) throw new Error(`not documented: ${request.method} ${pathname}`);
    const status = String(response.status);
    if (response.status < 400) {
      for (const { name, in: place } of operation.parameters) {
        const given = { query: searchParams.has(name), header: request.headers.has(name), path: true }[place];
        if (given) this.#met.add(parameterOf(operation, name));
      }
    }
    this.#met.add(statusOf(operation, status));
    const documented = operation.responses[status]?.content;
    if (!documented) throw new Error(`not documented: ${operation.name} responds with ${status}`);
    const text = await response.clone().text();
    if (text !== '') this.#recordContent(operation, status, request, response.headers, text);
  }

  #recordContent(
    operation: DocumentedOperation,
    status: string,
    request: Request,
    headers: Headers,
    text: string,
  ): void {
    const mediaType = headers.get('content-type')?.split(';')[0] ?? '';
    const schema = operation.responses[status]?.content[mediaType]?.schema;
    const where = `${operation.name} ${status} ${mediaType}`;
    if (!schema) throw new Error(`not documented: ${where}`);
    this.#met.add(typeOf(operation, status, mediaType));
    // A type that is only another name for it.
    const asked = request.headers.get('accept') ?? '';
    if (mediaType === 'application/vnd.safetensors') this.#met.add(typeOf(operation, status, asked));
    const documents = mediaType.endsWith('ndjson') ? text.trimEnd().split('\n') : [text];
    if (!mediaType.endsWith('json')) return;
    for (const json of documents) check(where, schema, JSON.parse(json));
    if (mediaType === PROBLEM) {
      const { error_code } = JSON.parse(text);
      if (!operation.responses[status]?.content[mediaType]?.examples[error_code]) {
        throw new Error(`not documented: ${where} ${error_code}`);
      }
      this.#met.add(codeOf(operation, status, error_code));
    }
  }

  missing(): string[] {
    return documentedThings().filter((thing) => !this.#met.has(thing));
  }
}

function check(where: string, schema: AnySchema, value: unknown): void {
  const text = JSON.stringify(schema).replaceAll('"#/components', '"document#/components');
  const validate = ajv.compile(JSON.parse(text));
  if (!validate(value)) throw new Error(`${where} is not as documented: ${ajv.errorsText(validate.errors)}`);
}
