/** A Redis command: its name in upper case, then its arguments as text (Redis receives them as UTF-8). */
export type Command = readonly [name: string, ...parameters: string[]];

/** What Redis replies: text or bytes, an integer, nil, an error, or a list of these. */
export type Reply = string | Buffer | number | null | CommandError | readonly Reply[];

/** The reply of Redis to a command it refuses or fails; the message starts with Redis' error code, as in `ERR …`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The store cannot be reached or does not respond in time; whether the commands were run is unknown. */
export class BackendUnavailableError extends Error {
  override readonly name = 'BackendUnavailableError';
}

/** Where the gateway runs commands. */
export interface Backend {
  readonly name: 'redis' | 'embedded';

  /**
   * Runs the commands in order and gives a reply for each of them; a failing one does not stop those after it.
   *
   * @throws BackendUnavailableError
   */
  pipeline(commands: readonly Command[]): Promise<Reply[]>;

  /**
   * `SET` of a value that need not be text.
   *
   * @param options what follows the value, as in `EX 60`
   * @throws BackendUnavailableError
   */
  setBytes(key: string, value: Buffer, options: readonly string[]): Promise<Reply>;

  /**
   * Runs the commands with no other client's in between, as MULTI and EXEC do. One error instead of a list means
   * that a command was invalid and none was run.
   *
   * @throws BackendUnavailableError
   */
  transaction(commands: readonly Command[]): Promise<Reply[] | CommandError>;

  /** Whether commands can be run now. */
  isReady(): Promise<boolean>;

  close(): Promise<void>;
}

/** Whether a reply is the plain OK of a command that has no other result. */
export function isOk(reply: Reply): boolean {
  return reply === 'OK' || (Buffer.isBuffer(reply) && reply.length === 2 && reply.toString() === 'OK');
}
