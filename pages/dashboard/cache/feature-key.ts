/** The parts of a key such as `edgesift@1/n0-l3-c0.04-e10-s1.6/<sha256>`. */
export interface KeyParts {
  extractor: string;
  parameters: string;
  hash: string;
}

export function partsOf(key: string): KeyParts {
  const [extractor = '', parameters = '', hash = ''] = key.split('/');
  return { extractor, parameters, hash };
}

const NAMES: Record<string, string> = {
  n: 'nfeatures',
  l: 'n_octave_layers',
  c: 'contrast_threshold',
  e: 'edge_threshold',
  s: 'sigma',
  dh: 'denoise_h',
  dc: 'denoise_h_color',
  dt: 'denoise_template_window_size',
  ds: 'denoise_search_window_size',
  o: 'orientation',
};

/** The query that names the same features; undefined for parameters of another form. */
export function queryOf(parameters: string): Record<string, string | boolean> | undefined {
  const query: Record<string, string | boolean> = {};
  // A number such as 1e-7 has a hyphen too.
  for (const part of parameters.split(/(?<!\de)-/)) {
    const [, short = '', value = ''] = /^(d[hcts]|[nlceso])(.+)$/.exec(part) ?? [];
    const name = NAMES[short];
    if (name === undefined) return undefined;
    query[name] = value;
    if (short.startsWith('d')) query.denoise = true;
  }
  return query;
}
