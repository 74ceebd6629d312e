import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Res, SetMetadata } from '@nestjs/common';
import { OPEN } from '@countersign/service-kit';

interface Reply {
  headers(all: Readonly<Record<string, string>>): Reply;
}

const file = (name: string) => readFileSync(new URL(`../page/${name}`, import.meta.url), 'utf8');

/** Nothing may be loaded, framed or sent but our own; text of agents can only ever be text. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

/** The page where a person on a phone sees what waits. It holds no secret; the API behind it asks for one. */
@Controller('approve')
export class ApprovalPageController {
  readonly #html = file('approve.html');
  readonly #css = file('approve.css');
  readonly #script = file('approve.js');

  @Get()
  @SetMetadata(OPEN, true)
  @Header('content-type', 'text/html; charset=utf-8')
  page(@Res({ passthrough: true }) reply: Reply): string {
    reply.headers(HEADERS);
    return this.#html;
  }

  @Get('approve.css')
  @SetMetadata(OPEN, true)
  @Header('content-type', 'text/css; charset=utf-8')
  style(@Res({ passthrough: true }) reply: Reply): string {
    reply.headers(HEADERS);
    return this.#css;
  }

  @Get('approve.js')
  @SetMetadata(OPEN, true)
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(@Res({ passthrough: true }) reply: Reply): string {
    reply.headers(HEADERS);
    return this.#script;
  }
}
