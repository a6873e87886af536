import * as z from 'zod';
import { defineRoute } from '../route.ts';
import {
  reportParametersSchema,
  reportQuerySchema,
  reportResponseSchema,
  vehicleIdSchema,
} from '../vehicles.ts';
import { classifyVehicle } from './vehicles.ts';

const REPORT_CONTENT = { 'application/json': reportResponseSchema, 'text/html': z.string() } as const;

export const reportVehicle = defineRoute({
  method: 'POST',
  path: '/api/vehicle/report',
  operationId: 'reportVehicle',
  tag: 'vehicles',
  scope: 'write',
  summary: 'A report on the vehicle in an image, as JSON or as a page to print',
  description:
    'The classification with its explanation, a summary in sentences, and recommendations that follow from the ' +
    'figures. Kept for an hour under its `vehicle_id`, for the same API key alone.',
  query: reportParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: classifyVehicle.body,
  responses: {
    200: {
      description: 'The report',
      headers: ['X-Cache', 'Server-Timing', 'Cache-Control'],
      content: REPORT_CONTENT,
    },
  },
  errors: classifyVehicle.errors,
});

export const vehicleReport = defineRoute({
  method: 'GET',
  path: '/api/vehicle/report/{vehicle_id}',
  operationId: 'vehicleReport',
  tag: 'vehicles',
  scope: 'read',
  summary: 'A report that was made within the last hour',
  pathParameters: {
    vehicle_id: {
      schema: vehicleIdSchema,
      description: 'As the report has it. One API key does not see the reports of another',
      example: 'fleet-0042',
    },
  },
  query: reportQuerySchema,
  responses: {
    200: { description: 'The report', headers: ['Vary', 'Cache-Control'], content: REPORT_CONTENT },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'format' must be one of: json, html.",
    REPORT_NOT_FOUND: 'There is no report of this vehicle: reports are kept for an hour.',
  },
});
