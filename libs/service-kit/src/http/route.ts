import {
  Body,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  SetMetadata,
  applyDecorators,
} from '@nestjs/common';
import {
  PATH_PARAMETERS,
  type PathParameter,
  ROUTES,
  type Route as RouteContract,
  type RouteName,
} from '@countersign/contracts';

export const ROUTE = 'countersign:route';
const VERBS = { GET: Get, POST: Post, PUT: Put, DELETE: Delete };

/** Binds a controller method to its entry in ROUTES: verb, path, who may call it. */
export function Route(name: RouteName): MethodDecorator {
  const route: RouteContract = ROUTES[name];
  return applyDecorators(
    SetMetadata(ROUTE, name),
    VERBS[route.method](route.path),
    HttpCode(200),
    Header('cache-control', 'no-store'),
  );
}

/** The request's body, as the route's schema reads it. */
export function RouteBody(name: RouteName): ParameterDecorator {
  const { body }: RouteContract = ROUTES[name];
  return body ? Body({ schema: body }) : Body();
}

/** The request's query, as the route's schema reads it. */
export function RouteQuery(name: RouteName): ParameterDecorator {
  const { query }: RouteContract = ROUTES[name];
  return query ? Query({ schema: query }) : Query();
}

/** A parameter of the route's path, as its schema reads it. */
export function RouteParam(name: PathParameter): ParameterDecorator {
  return Param(name, { schema: PATH_PARAMETERS[name] });
}

const PATHS = Object.values<RouteContract>(ROUTES).map(({ method, path }) => ({
  method,
  isExact: !path.includes(':'),
  pattern: new RegExp(`^${path.replaceAll(/:[a-z]+/g, '[^/]+')}$`),
}));

/**
 * Methods of the routes at a path; none where there is no route. What a route names in full is never meant as another
 * route's parameter.
 */
export function methodsAt(path: string): string[] {
  const there = PATHS.filter(({ pattern }) => pattern.test(path));
  const exact = there.filter(({ isExact }) => isExact);
  return (exact.length > 0 ? exact : there).map(({ method }) => method);
}
