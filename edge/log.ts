/** One JSON line for an operator, on the platform's console. Never give it a Redis client's error text. */
export function logWarning(event: string, facts: Record<string, unknown> = {}): void {
  // biome-ignore lint/suspicious/noConsole: the console is where Workers and Deno collect logs
  console.warn(JSON.stringify({ level: 'warn', event, ...facts }));
}

export function logError(event: string, thrown: unknown, facts: Record<string, unknown> = {}): void {
  const error =
    thrown instanceof Error ? { name: thrown.name, message: thrown.message, stack: thrown.stack } : thrown;
  // biome-ignore lint/suspicious/noConsole: as above
  console.error(JSON.stringify({ level: 'error', event, error, ...facts }));
}
