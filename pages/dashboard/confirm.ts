import { button, make, newId } from './element.ts';

/** Asks before something is deleted. */
export function confirmed(question: string, consequence: string): Promise<boolean> {
  const title = newId('question');
  const dialog = make('dialog', { 'aria-labelledby': title });
  let isConfirmed = false;
  const confirm = button(
    'Delete',
    () => {
      isConfirmed = true;
      dialog.close();
    },
    { class: 'danger' },
  );
  const cancel = button('Cancel', () => dialog.close(), { autofocus: true });
  dialog.append(
    make('h2', { id: title }, question),
    make('p', { class: 'soft' }, consequence),
    make('div', { class: 'actions' }, cancel, confirm),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isConfirmed);
    });
  });
}
