/** Of swagger-ui-dist, loaded before this. */
declare const SwaggerUIBundle: (options: Record<string, unknown>) => unknown;

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#documentation',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // Would send the document to a server of Swagger's.
  validatorUrl: null,
});
