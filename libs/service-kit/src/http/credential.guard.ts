import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ROUTES, type Route, type RouteName } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { type ControlView, tenantOf } from '@countersign/payment';
import { LaneHost } from '../lane-host.ts';
import { personKeyOf } from '../person-key.ts';
import { Refused } from '../refusal.ts';
import type { Caller } from './caller.ts';
import { ROUTE } from './route.ts';

/** Compares the credential with the log's and the route's list of who may. A route without an entry lets nobody in. */
@Injectable()
export class CredentialGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(LaneHost) private readonly host: LaneHost,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const name = this.reflector.get<RouteName | undefined>(ROUTE, context.getHandler());
    const open = this.reflector.get<boolean | undefined>(OPEN, context.getHandler());
    if (open) return true;
    if (!name) throw new Refused('not_permitted', 'this route admits nobody');
    const request = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined>; caller?: Caller }>();
    request.caller = admitted(this.host.control, name, request.headers['authorization']);
    return true;
  }
}

/** Metadata of the few handlers anyone may call: health, the OpenAPI document, the page's own files. */
export const OPEN = 'countersign:open';

/**
 * Whom a credential admits to a route, as the log stands now. Answers that go on for a while ask again.
 *
 * @param header `authorization` of the request.
 * @throws Refused `unauthenticated` or `not_permitted`.
 */
export function admitted(
  control: ControlView,
  name: RouteName,
  header: string | undefined,
): Caller {
  const { who }: Route = ROUTES[name];
  const caller = callerOf(control, header);
  if (!caller) throw new Refused('unauthenticated');
  const may =
    caller.kind === 'agent'
      ? who.includes('agent')
      : caller.roles.some((role) => who.includes(role));
  if (!may) throw new Refused('not_permitted', `only ${who.join(', ')} may do this`);
  return caller;
}

function callerOf(control: ControlView, header: string | undefined): Caller | undefined {
  const token = /^Bearer ([A-Za-z0-9_-]{20,200})$/.exec(header ?? '')?.[1];
  if (token === undefined) return undefined;
  const principal = control.credentials.get(sha256Hex(token));
  if (!principal || principal.kind === 'agent') return principal;
  const roles = tenantOf(control, principal.tenant).people.get(principal.person)?.roles;
  return roles && { ...principal, roles, prove: (text) => personKeyOf(token).sign(text) };
}
