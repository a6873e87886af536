import type { Hono } from 'hono';
import Negotiator from 'negotiator';
import { ServiceError } from '../../shared/contract/errors.ts';
import { parseTextParameters } from '../../shared/contract/parameters.ts';
import { reportVehicle, vehicleReport } from '../../shared/contract/routes/vehicle-reports.ts';
import {
  parseReportParameters,
  parseVehicleId,
  type ReportResponse,
  reportQuerySchema,
  type VehicleReport,
} from '../../shared/contract/vehicles.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { queryParameters } from '../http/query.ts';
import { VEHICLE_IMAGE } from '../ingest/image-form.ts';
import type { Services } from '../services.ts';
import { classifyUpload } from '../vehicles/classify-upload.ts';
import { REPORT_PAGE_POLICY, reportPage } from '../vehicles/report-page.ts';
import { reportOf } from '../vehicles/vehicle-reports.ts';
import { now, setCacheHeader, vehicleData } from '../vehicles/vehicle-response.ts';

/** `POST /api/vehicle/report` and `GET /api/vehicle/report/{vehicle_id}`. */
export function registerVehicleReport(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, reportVehicle, async (context) => {
    const form = await services.ingest.receive(context, VEHICLE_IMAGE, parseReportParameters);
    try {
      const [part] = form.images;
      const { options, format, vehicleId } = form.parameters;
      const timing = context.get('timing');
      const found = await classifyUpload(context, services, { part, options, timing });
      const about = { requestId: context.get('requestId'), timing };
      const data = vehicleData(found, { include: 'all', options }, about);
      const report = reportOf(data, vehicleId ?? crypto.randomUUID());
      await services.vehicleReports.keep(context.get('apiKeyId'), report);
      setCacheHeader(context, found);
      return respond(context, report, format);
    } finally {
      form.lease.release();
    }
  });

  addRoute(app, vehicleReport, async (context) => {
    const vehicleId = parseVehicleId(context.req.param('vehicle_id'));
    const { format } = parseTextParameters(reportQuerySchema, queryParameters(context.req.raw));
    const report = await services.vehicleReports.find(context.get('apiKeyId'), vehicleId);
    if (!report) {
      throw new ServiceError(
        'REPORT_NOT_FOUND',
        'There is no report of this vehicle: reports are kept for an hour.',
        { details: { vehicle_id: vehicleId } },
      );
    }
    context.header('Vary', 'Accept');
    return respond(context, report, format ?? acceptedFormat(context));
  });
}

function acceptedFormat(context: EdgeContext): 'json' | 'html' {
  const accept = context.req.header('accept');
  if (accept === undefined) return 'json';
  const mediaType = new Negotiator({ headers: { accept } }).mediaType(['application/json', 'text/html']);
  return mediaType === 'text/html' ? 'html' : 'json';
}

function respond(context: EdgeContext, report: VehicleReport, format: 'json' | 'html'): Response {
  context.header('Cache-Control', 'private, no-store');
  if (format === 'html') {
    context.header('Content-Security-Policy', REPORT_PAGE_POLICY);
    return context.html(reportPage(report));
  }
  const response: ReportResponse = { status: 'success', timestamp: now(), data: report };
  return context.json(response);
}
