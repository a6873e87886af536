import { Hono } from 'hono';

/** The least that a Worker does for an upload: Hono, the body read as a whole, its SHA-256. */
const app = new Hono();

app.post('/', async (context) => {
  const body = await context.req.raw.arrayBuffer();
  const { byteLength } = await crypto.subtle.digest('SHA-256', body);
  return context.json({ byteLength });
});

export default app;
