import type { Context, Hono } from 'hono';
import type { RouteDeclaration } from '../../shared/contract/route.ts';
import type { EdgeEnvironment } from '../context.ts';

/** `/keys/{+key}` → `/keys/:key{.+}`, as Hono writes it. */
type RouterPath<Path extends string> = Path extends `${infer Before}{+${infer Name}}${infer After}`
  ? RouterPath<`${Before}:${Name}{.+}${After}`>
  : Path extends `${infer Before}/{${infer Name}}${infer After}`
    ? RouterPath<`${Before}/:${Name}${After}`>
    : Path;

/** Registers the handler at the method and path of the route's declaration. */
export function addRoute<const Route extends RouteDeclaration>(
  app: Hono<EdgeEnvironment>,
  { method, path }: Route,
  handler: (context: Context<EdgeEnvironment, RouterPath<Route['path']>>) => Response | Promise<Response>,
): void {
  app.on(method, routerPath(path), (context) => handler(context));
}

/** @param path as in a declaration */
export function routerPath(path: string): string {
  return path.replace(/\{\+(\w+)\}/g, ':$1{.+}').replace(/\/\{(\w+)\}/g, '/:$1');
}
