import { button, type Child, make, newId } from './element.ts';

const ACCEPTED = '.jpg,.jpeg,.png,.bmp,.tif,.tiff,.webp';

export interface ImageInput {
  readonly element: HTMLElement;
  /** Shows the name of the image that was chosen. */
  showName(text: string): void;
}

export interface ImageInputOptions {
  label: string;
  hint: string;
  isMultiple?: boolean;
  onFiles: (files: File[]) => void;
  /** More ways to get an image. */
  actions?: Child[];
}

/** A field for files, to which they can also be dragged. Pasting is handled for the whole page. */
export function createImageInput({
  label,
  hint,
  isMultiple = false,
  onFiles,
  actions = [],
}: ImageInputOptions): ImageInput {
  const id = newId('files');
  const input = make('input', {
    id,
    type: 'file',
    class: 'visually-hidden',
    accept: ACCEPTED,
    multiple: isMultiple,
  });
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // So that the same file can be chosen again.
    input.value = '';
    if (files.length > 0) onFiles(files);
  });
  const name = make('p', { class: 'file-name', 'aria-live': 'polite' });
  const element = make(
    'div',
    { class: 'drop' },
    input,
    make('label', { for: id, class: 'button' }, label),
    ...actions,
    make('p', { class: 'soft small' }, hint),
    name,
  );
  acceptDrops(element, onFiles);
  return {
    element,
    showName(text) {
      name.textContent = text;
    },
  };
}

/** A button for a folder with all of its folders. */
export function folderButton(label: string, onFiles: (files: File[]) => void): HTMLElement {
  const input = make('input', {
    type: 'file',
    class: 'visually-hidden',
    webkitdirectory: true,
    multiple: true,
    'aria-label': label,
    tabindex: '-1',
  });
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])].filter(isImage);
    input.value = '';
    onFiles(files);
  });
  return make(
    'span',
    {},
    input,
    button(label, () => input.click()),
  );
}

export function acceptDrops(element: HTMLElement, onFiles: (files: File[]) => void): void {
  const mark = (isOver: boolean) => element.classList.toggle('over', isOver);
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(true);
  });
  element.addEventListener('dragleave', () => mark(false));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    mark(false);
    if (event.dataTransfer) void filesIn(event.dataTransfer).then(onFiles);
  });
}

/** The image files of a drop, those in folders included. */
export async function filesIn(transfer: DataTransfer): Promise<File[]> {
  // Entries are only readable before the first await.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(entries.map((entry) => (entry ? filesOfEntry(entry) : [])));
  return found.flat();
}

async function filesOfEntry(entry: FileSystemEntry): Promise<File[]> {
  if (entry instanceof FileSystemFileEntry) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return isImage(file) ? [file] : [];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const files: File[] = [];
  for (;;) {
    // A reader gives the entries in portions, the last one empty.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return files;
    for (const child of entries) files.push(...(await filesOfEntry(child)));
  }
}

const IMAGE_NAME = /\.(jpe?g|png|bmp|tiff?|webp)$/i;

function isImage({ name }: File): boolean {
  return IMAGE_NAME.test(name);
}
