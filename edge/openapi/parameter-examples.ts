/** An example value of every query parameter and JSON field, as a client writes it. */
const PARAMETER_EXAMPLES: Readonly<Record<string, string>> = {
  nfeatures: '2000',
  n_octave_layers: '4',
  contrast_threshold: '0.03',
  edge_threshold: '12',
  sigma: '1.2',
  denoise: 'true',
  denoise_h: '5',
  denoise_h_color: '5',
  denoise_template_window_size: '5',
  denoise_search_window_size: '15',
  orientation: 'ignore',
  root_sift: 'true',
  format: 'safetensors',
  model: 'fundamental',
  ratio: '0.8',
  threshold: '1.5',
  include: 'all',
  pattern: 'edgesift@1/*',
  cursor: '3072',
  before: 'job-0mihqw2n4-5f0c1ab2',
  limit: '50',
  status: '4xx',
  path: '/api/v1/features',
  box: '120,80,640,400',
  vehicle_id: 'fleet-0042',
  request_id: 'ef0b255c-cba2-4c0f-9b28-7e3a6ab5d3f5',
};

/** Of parameters that mean something else in one operation: `operationId.name`. */
const OF_OPERATIONS: Readonly<Record<string, string>> = {
  'reportVehicle.format': 'html',
  'vehicleReport.format': 'html',
};

/** Empty where there is none. */
export function parameterExample(operationId: string, name: string): string {
  return OF_OPERATIONS[`${operationId}.${name}`] ?? PARAMETER_EXAMPLES[name] ?? '';
}
