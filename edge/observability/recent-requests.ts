import {
  MAX_RECENT_REQUESTS,
  type RecentRequest,
  type RequestsQuery,
  recentRequestSchema,
} from '../../shared/contract/requests.ts';
import type { RouteDeclaration } from '../../shared/contract/route.ts';
import { ROUTES } from '../../shared/contract/routes/index.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { routerPath } from '../http/add-route.ts';
import type { RedisPipeline } from '../redis/redis-client.ts';
import type { CountedRequest } from './counters.ts';

const REDIS_KEY = 'recent-requests';
const KEPT_SECONDS = 86_400;
/** Of one isolate between two writes; under more load than that the older ones are dropped. */
const CAPACITY = 200;
const LONGEST_PATH = 256;

/** Pages, health and statistics: a dashboard that is open would fill the list with its own requests. */
const MONITORING = new Set(
  Object.values<RouteDeclaration>(ROUTES)
    .filter(({ tag }) => tag === 'service' || tag === 'pages')
    .map(({ method, path }) => `${method} ${routerPath(path)}`),
);

/** The requests of this isolate that Redis does not have yet. */
export class RecentRequests {
  #pending: CountedRequest[] = [];
  #next = 0;

  add(request: CountedRequest): void {
    if (request.status < 400 && MONITORING.has(request.endpoint)) return;
    if (this.#pending.length < CAPACITY) this.#pending.push(request);
    else this.#pending[this.#next++ % CAPACITY] = request;
  }

  /** The newest last. */
  get pending(): RecentRequest[] {
    const oldest = this.#next % CAPACITY;
    return [...this.#pending.slice(oldest), ...this.#pending.slice(0, oldest)].map(recentRequestOf);
  }

  /** Removes and returns what is pending. */
  take(): RecentRequest[] {
    const taken = this.pending;
    this.#pending = [];
    this.#next = 0;
    return taken;
  }
}

function recentRequestOf(request: CountedRequest): RecentRequest {
  return {
    time: new Date(request.time).toISOString(),
    request_id: request.requestId,
    method: request.method,
    path: request.path.slice(0, LONGEST_PATH),
    status: request.status,
    error_code: request.errorCode ?? null,
    duration_ms: Number(request.durationMs.toFixed(1)),
    outcome: request.outcome,
    region: request.region.colo,
  };
}

/** Adds the commands that store requests, and keep the newest of all. */
export function storeRequests(pipeline: RedisPipeline, requests: RecentRequest[]): void {
  if (requests.length === 0) return;
  pipeline.lpush(REDIS_KEY, ...requests.map((request) => JSON.stringify(request)));
  pipeline.ltrim(REDIS_KEY, 0, MAX_RECENT_REQUESTS - 1);
  pipeline.expire(REDIS_KEY, KEPT_SECONDS);
}

/** Adds the command whose result {@link requestsOf} reads. */
export function loadRequests(pipeline: RedisPipeline): void {
  pipeline.lrange(REDIS_KEY, 0, MAX_RECENT_REQUESTS - 1);
}

/** Records that are not readable are passed over. */
export function requestsOf(stored: unknown): RecentRequest[] {
  const texts: unknown[] = Array.isArray(stored) ? stored : [];
  return texts.flatMap((text) => {
    const record = recentRequestSchema.safeParse(typeof text === 'string' ? parseJson(text) : undefined).data;
    return record ? [record] : [];
  });
}

/** The newest first: isolates write their requests at different times. */
export function selectRequests(requests: RecentRequest[], query: RequestsQuery): RecentRequest[] {
  return requests
    .filter((request) => matches(request, query))
    .sort((one, other) => (one.time < other.time ? 1 : -1))
    .slice(0, query.limit);
}

function matches(request: RecentRequest, { status, path, request_id }: RequestsQuery): boolean {
  const hasStatus = status === undefined || String(request.status).startsWith(status.replace('xx', ''));
  const hasPath = path === undefined || request.path.includes(path);
  return hasStatus && hasPath && (request_id === undefined || request.request_id === request_id);
}
