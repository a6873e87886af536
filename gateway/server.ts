import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { bearerTokenCheck } from './authentication.ts';
import { type Backend, BackendUnavailableError, CommandError, type Reply } from './backend.ts';
import { MAX_MESSAGE_BYTES, parseCommand, parseCommandList, parseSetOptions, sizeError } from './protocol.ts';
import { responseJson, responseListJson } from './response-json.ts';
import { responseResp2 } from './response-resp2.ts';

const MAX_KEY_LENGTH = 1000;

export interface GatewayOptions {
  /** Closed together with the gateway. */
  readonly backend: Backend;
  /** What clients send as `Authorization: Bearer …`. */
  readonly token: string;
  readonly logger?: FastifyBaseLogger;
}

/** Redis over HTTP as Upstash speaks it. Call `listen()` to serve and `close()` to end. */
export function createGateway({ backend, token, logger }: GatewayOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    bodyLimit: MAX_MESSAGE_BYTES,
    // For keys in paths; the default is 100.
    routerOptions: { maxParamLength: MAX_KEY_LENGTH },
    logController: new LogController({ disableRequestLogging: true }),
    ...(logger === undefined ? {} : { loggerInstance: logger }),
  });
  const isAuthorized = bearerTokenCheck(token);

  // As at Upstash, the body is JSON with any content type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.get('/health', async (_request, reply) => {
    const ready = await backend.isReady();
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ok' : 'unavailable', backend: backend.name });
  });

  app.register(async (commands) => {
    commands.addHook('onRequest', async (request, reply) => {
      if (isAuthorized(request.headers.authorization)) return;
      return reply.code(401).send({ error: 'WRONGPASS invalid or missing auth token' });
    });

    commands.post('/', async (request, reply) => {
      const [result = null] = await backend.pipeline([parseCommand(bodyOf(request))]);
      return sendReply(request, reply, result);
    });

    // The only command whose value can be bytes: JSON has text alone.
    commands.post<{ Params: { key: string } }>('/set/:key', async (request, reply) => {
      const result = await backend.setBytes(
        request.params.key,
        bodyOf(request),
        parseSetOptions(request.url),
      );
      return sendReply(request, reply, result);
    });

    commands.post('/pipeline', async (request, reply) => {
      const results = await backend.pipeline(parseCommandList(bodyOf(request)));
      if (wantsResp2(request)) return sendResp2(reply, results);
      return sendJson(reply, responseListJson(results, wantsBase64(request)));
    });

    commands.post('/multi-exec', async (request, reply) => {
      const results = await backend.transaction(parseCommandList(bodyOf(request)));
      if (results instanceof CommandError) throw results;
      return sendJson(reply, responseListJson(results, wantsBase64(request)));
    });
  });

  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof CommandError) {
      return wantsResp2(request)
        ? sendResp2(reply.code(400), [error])
        : reply.code(400).send({ error: error.message });
    }
    if (error instanceof BackendUnavailableError)
      return reply.code(503).send({ error: `ERR ${error.message}` });
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      // Without this the connection is cut while the client still sends, and the client never sees the response.
      reply.removeHeader('connection');
      return reply.code(400).send({ error: sizeError(Number(request.headers['content-length'])).message });
    }
    request.log.error(error);
    return reply.code(error.statusCode ?? 500).send({ error: 'ERR internal error' });
  });
  app.setNotFoundHandler((_request, reply) => {
    return reply
      .code(404)
      .send({ error: 'ERR send commands with POST to /, /pipeline, /multi-exec or /set/key' });
  });
  app.addHook('onClose', () => backend.close());
  return app;
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function wantsBase64(request: FastifyRequest): boolean {
  return request.headers['upstash-encoding'] === 'base64';
}

/** Bytes as they are, without base64. Transactions have JSON alone, as at Upstash. */
function wantsResp2(request: FastifyRequest): boolean {
  return request.headers['upstash-response-format'] === 'resp2';
}

/** @throws CommandError of the reply */
function sendReply(request: FastifyRequest, reply: FastifyReply, result: Reply): FastifyReply {
  if (result instanceof CommandError) throw result;
  return wantsResp2(request)
    ? sendResp2(reply, [result])
    : sendJson(reply, responseJson(result, wantsBase64(request)));
}

function sendResp2(reply: FastifyReply, replies: readonly Reply[]): FastifyReply {
  return send(reply.type('application/octet-stream'), responseResp2(replies));
}

function sendJson(reply: FastifyReply, body: Buffer): FastifyReply {
  return send(reply.type('application/json; charset=utf-8'), body);
}

/** @throws CommandError for a body that is too long */
function send(reply: FastifyReply, body: Buffer): FastifyReply {
  if (body.length > MAX_MESSAGE_BYTES) throw sizeError(body.length);
  return reply.send(body);
}
