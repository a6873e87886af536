const STORED_AS = 'edgesift-api-key';

/** Reports `change` when the key is entered or removed. */
export const apiKeyChanges = new EventTarget();

/** The API key of this tab. It is gone when the tab is closed. */
export function apiKey(): string | undefined {
  return sessionStorage.getItem(STORED_AS) ?? undefined;
}

export function keepApiKey(key: string | undefined): void {
  if (key === undefined) sessionStorage.removeItem(STORED_AS);
  else sessionStorage.setItem(STORED_AS, key);
  apiKeyChanges.dispatchEvent(new Event('change'));
}
