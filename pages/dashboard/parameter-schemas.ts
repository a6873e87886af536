/** A parameter of the API, as the JSON Schema of its route declaration has it. */
export interface ParameterSchema {
  type: 'integer' | 'number' | 'boolean' | 'string';
  default?: number | boolean | string;
  description?: string;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

export type ParameterSchemas = Record<string, ParameterSchema>;

/** Put in by the build (tools/worker/build-pages.ts), so that the page needs no schema library. */
declare const PARAMETER_SCHEMAS: { detect: ParameterSchemas; match: ParameterSchemas };

export const DETECT_PARAMETERS = PARAMETER_SCHEMAS.detect;
export const MATCH_PARAMETERS = PARAMETER_SCHEMAS.match;
