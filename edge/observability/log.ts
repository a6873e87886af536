type Level = 'info' | 'warn' | 'error';

/** One JSON line for an operator, on the platform's console, which is where Workers and Deno collect logs. */
export function writeLine(level: Level, event: string, facts: Record<string, unknown>): void {
  const line = JSON.stringify({ level, time: new Date().toISOString(), service: 'edge', event, ...facts });
  // biome-ignore lint/suspicious/noConsole: as said above
  console[level](line);
}

/** Never give it a Redis client's error text. */
export function logWarning(event: string, facts: Record<string, unknown> = {}): void {
  writeLine('warn', event, facts);
}

export function logError(event: string, thrown: unknown, facts: Record<string, unknown> = {}): void {
  const error =
    thrown instanceof Error ? { name: thrown.name, message: thrown.message, stack: thrown.stack } : thrown;
  writeLine('error', event, { error, ...facts });
}
