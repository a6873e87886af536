import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { parseJson } from '../../shared/features/safetensors.ts';
import { type Progress, progressSchema, type Ticket } from './shard.ts';

export interface QueueOptions {
  /** Of one or more servers of a cluster. */
  servers: readonly string[];
  token: string | undefined;
  /** Servers that keep each message. */
  replicas: number;
  /** A shard of which nothing was heard for so long is handed out again. */
  ackWaitMs: number;
}

const STREAM = 'EDGESIFT_SHARDS';
const CONSUMER = 'workers';
const SHARDS = 'edgesift.shards';
const PROGRESS = 'edgesift.progress';
const RECONNECT_MS = 500;
const DUPLICATE_WINDOW_MS = 120_000;
/** Shards in work at the same time, over all workers. */
const MAX_ACK_PENDING = 20_000;
/** JetStream counts in nanoseconds. */
const NS_PER_MS = 1_000_000;

export function connectToNats({ servers, token }: QueueOptions, name: string): Promise<NatsConnection> {
  return connect({
    servers: [...servers],
    name,
    ...(token !== undefined && { token }),
    // For ever: what is lost meanwhile is put back by the reconciler.
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    waitOnFirstConnect: true,
  });
}

/** @returns a function that returns whether the server can be reached now */
export function watchConnection(connection: NatsConnection): () => boolean {
  let isConnected = true;
  const watch = async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') isConnected = false;
      if (type === 'reconnect') isConnected = true;
    }
  };
  void watch();
  return () => isConnected && !connection.isClosed();
}

/**
 * The work queue: one message for each shard that is not done, with a subject of its own, so that the server can say
 * which shards it holds. It only hands out work: what is done is known from the storage alone.
 */
export class ShardQueue {
  readonly connection: NatsConnection;
  readonly #options: QueueOptions;
  #manager: JetStreamManager | undefined;
  #client: JetStreamClient | undefined;

  constructor(connection: NatsConnection, options: QueueOptions) {
    this.connection = connection;
    this.#options = options;
  }

  get client(): JetStreamClient {
    this.#client ??= jetstream(this.connection);
    return this.#client;
  }

  /** Makes stream and consumer where they are missing, also after a server has lost them. */
  async ensure(): Promise<JetStreamManager> {
    this.#manager ??= await jetstreamManager(this.connection);
    const { replicas, ackWaitMs } = this.#options;
    await this.#manager.streams.add({
      name: STREAM,
      subjects: [`${SHARDS}.>`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      num_replicas: replicas,
      duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
    });
    await this.#manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * NS_PER_MS,
      // Without an end: what kills its workers is found out by them.
      max_deliver: -1,
      max_ack_pending: MAX_ACK_PENDING,
    });
    return this.#manager;
  }

  /** @param attempt the same one within two minutes is the same message, which is kept once */
  async publish(ticket: Ticket, attempt: string): Promise<void> {
    await this.client.publish(`${SHARDS}.${ticket.job}.${ticket.shard}`, JSON.stringify(ticket), {
      msgID: `${ticket.job}.${ticket.shard}.${attempt}`,
    });
  }

  /** Shards of a job that wait or are worked on. */
  async present(job: string): Promise<ReadonlySet<number>> {
    const manager = await this.ensure();
    const { state } = await manager.streams.info(STREAM, { subjects_filter: `${SHARDS}.${job}.*` });
    return new Set(Object.keys(state.subjects ?? {}).map((subject) => Number(subject.split('.').at(-1))));
  }

  async purge(job: string): Promise<void> {
    const manager = await this.ensure();
    await manager.streams.purge(STREAM, { filter: `${SHARDS}.${job}.*` });
  }

  async consumer(): Promise<Consumer> {
    await this.ensure();
    return this.client.consumers.get(STREAM, CONSUMER);
  }

  /** Publishes the progress of a shard. Subscribers may miss messages: nothing depends on them. */
  tell(progress: Progress): void {
    if (!this.connection.isClosed()) this.connection.publish(PROGRESS, JSON.stringify(progress));
  }

  async *progress(): AsyncGenerator<Progress> {
    for await (const message of this.connection.subscribe(PROGRESS)) {
      const progress = progressSchema.safeParse(parseJson(message.string()));
      if (progress.success) yield progress.data;
    }
  }
}
