import { apiKey, keepApiKey } from './api-key.ts';
import { button, make, newId } from './element.ts';

let open: Promise<boolean> | undefined;

/**
 * Asks for an API key. Calls while the dialog is open share it.
 *
 * @returns whether a key was entered
 */
export function askForApiKey(
  reason = 'The key is kept in this tab only, until you close it.',
): Promise<boolean> {
  open ??= showDialog(reason).finally(() => {
    open = undefined;
  });
  return open;
}

function showDialog(reason: string): Promise<boolean> {
  const [title, field] = [newId('title'), newId('key')];
  const input = make('input', {
    id: field,
    type: 'password',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const form = make(
    'form',
    {},
    make('h2', { id: title }, 'API key'),
    make('p', { class: 'soft' }, reason),
    make('label', { for: field }, 'Key'),
    input,
  );
  const dialog = make('dialog', { 'aria-labelledby': title }, form);
  const forget = button('Forget key', () => {
    keepApiKey(undefined);
    dialog.close();
  });
  const cancel = button('Cancel', () => dialog.close());
  const use = make('button', { type: 'submit', class: 'primary' }, 'Use key');
  form.append(make('div', { class: 'actions' }, ...(apiKey() === undefined ? [] : [forget]), cancel, use));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let isEntered = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      keepApiKey(input.value.trim());
      isEntered = true;
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isEntered);
    });
  });
}
