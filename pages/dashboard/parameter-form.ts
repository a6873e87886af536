import { make, newId } from './element.ts';
import type { ParameterSchema, ParameterSchemas } from './parameter-schemas.ts';

export type ParameterValues = Record<string, string | number | boolean>;

/** The parameters of a group; those of a group that is not open are behind its title. */
export interface ParameterGroup {
  title: string;
  names: readonly string[];
  isOpen?: boolean;
}

export interface ParameterForm {
  readonly element: HTMLFormElement;
  /** Values that differ from the defaults; undefined where a value is out of range, which the form then shows. */
  read(): ParameterValues | undefined;
}

/** These are odd, which JSON Schema has no word for. */
const ODD = new Set(['denoise_template_window_size', 'denoise_search_window_size']);

/** A form with the names, ranges, defaults and descriptions of the API's own declarations. */
export function createParameterForm(
  schemas: ParameterSchemas,
  groups: readonly ParameterGroup[],
  { submitLabel, onSubmit }: { submitLabel: string; onSubmit: () => void },
): ParameterForm {
  const fields = new Map<string, { schema: ParameterSchema; input: HTMLInputElement | HTMLSelectElement }>();
  const sections = groups.map(({ title, names, isOpen = false }) => {
    const rows = names.flatMap((name) => {
      const schema = schemas[name];
      if (!schema) return [];
      const { row, input } = createField(name, schema);
      fields.set(name, { schema, input });
      return [row];
    });
    return make('details', { open: isOpen }, make('summary', {}, title), ...rows);
  });
  const reset = make('button', { type: 'reset' }, 'Defaults');
  const element = make(
    'form',
    { class: 'parameters', novalidate: true },
    ...sections,
    make(
      'div',
      { class: 'actions' },
      make('button', { type: 'submit', class: 'primary' }, submitLabel),
      reset,
    ),
  );
  const isValid = () => {
    if (element.checkValidity()) return true;
    // The browser cannot point at a field that is hidden.
    for (const invalid of element.querySelectorAll(':invalid')) {
      invalid.closest('details')?.setAttribute('open', '');
    }
    return element.reportValidity();
  };
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isValid()) onSubmit();
  });
  // The fields have their defaults only after the event.
  element.addEventListener('reset', () => setTimeout(onSubmit));
  return {
    element,
    read() {
      if (!isValid()) return undefined;
      const values: ParameterValues = {};
      for (const [name, { schema, input }] of fields) {
        const value = valueIn(input, schema);
        if (value !== undefined && value !== schema.default) values[name] = value;
      }
      return values;
    },
  };
}

function valueIn(
  input: HTMLInputElement | HTMLSelectElement,
  { type }: ParameterSchema,
): string | number | boolean | undefined {
  if (type === 'boolean') return input instanceof HTMLInputElement && input.checked;
  if (input.value === '') return undefined;
  return type === 'string' ? input.value : Number(input.value);
}

function createField(
  name: string,
  schema: ParameterSchema,
): { row: HTMLElement; input: HTMLInputElement | HTMLSelectElement } {
  const [id, hint] = [newId('field'), newId('hint')];
  const input = createInput(name, schema, { id, name, 'aria-describedby': hint });
  const row = make(
    'div',
    { class: 'field', title: schema.description },
    make('label', { for: id }, name),
    input,
    make(
      'span',
      { class: 'range', id: hint },
      rangeOf(schema),
      make('span', { class: 'visually-hidden' }, ` ${schema.description ?? ''}`),
    ),
  );
  return { row, input };
}

function createInput(
  name: string,
  schema: ParameterSchema,
  attributes: Record<string, string>,
): HTMLInputElement | HTMLSelectElement {
  if (schema.type === 'boolean') {
    return make('input', { ...attributes, type: 'checkbox', checked: schema.default === true });
  }
  if (schema.enum) {
    const options = schema.enum.map((value) =>
      make('option', { value, selected: value === schema.default }, value),
    );
    return make('select', attributes, ...options);
  }
  return make('input', {
    ...attributes,
    type: 'number',
    min: schema.minimum,
    max: schema.maximum,
    step: ODD.has(name) ? 2 : schema.type === 'integer' ? 1 : 'any',
    value: String(schema.default ?? ''),
    required: true,
  });
}

function rangeOf({ type, minimum, maximum, enum: choices }: ParameterSchema): string {
  if (choices) return choices.join(' or ');
  if (type === 'boolean') return 'off by default';
  if (minimum === undefined || maximum === undefined) return '';
  return `${minimum} to ${maximum.toLocaleString('en')}`;
}

export const EXTRACTION_GROUPS: readonly ParameterGroup[] = [
  {
    title: 'Keypoints',
    names: ['nfeatures', 'contrast_threshold', 'edge_threshold', 'n_octave_layers', 'sigma', 'orientation'],
  },
  {
    title: 'Denoising',
    names: [
      'denoise',
      'denoise_h',
      'denoise_h_color',
      'denoise_template_window_size',
      'denoise_search_window_size',
    ],
  },
];
