import { readFileSync } from 'node:fs';
import {
  Controller,
  Get,
  Header,
  NotFoundException,
  Param,
  Redirect,
  Res,
  SetMetadata,
} from '@nestjs/common';
import { OPEN } from '@countersign/service-kit';

interface Reply {
  status(code: number): Reply;
  headers(all: Readonly<Record<string, string>>): Reply;
}

const PARTS = ['approve.css', 'approve.js', 'api.js', 'card.js', 'plans.js', 'words.js'];
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

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
@Controller()
export class ApprovalPageController {
  readonly #html = file('approve.html');
  readonly #parts = new Map(PARTS.map((name) => [name, file(name)]));

  /** Who opens the bare address is a person. */
  @Get()
  @SetMetadata(OPEN, true)
  @Redirect('approve', 302)
  root(): void {
    return;
  }

  @Get('approve')
  @SetMetadata(OPEN, true)
  @Header('content-type', 'text/html; charset=utf-8')
  page(@Res({ passthrough: true }) reply: Reply): string {
    reply.headers(HEADERS);
    return this.#html;
  }

  /** With a slash at its end, the page's own address would lead to none of its parts. */
  @Get('approve/*')
  @SetMetadata(OPEN, true)
  part(@Param('*') name: string, @Res({ passthrough: true }) reply: Reply): string {
    if (name === '') {
      reply.status(308).headers({ ...HEADERS, location: '../approve' });
      return '';
    }
    const text = this.#parts.get(name);
    const type = TYPES[name.split('.').at(-1) ?? ''];
    if (text === undefined || type === undefined) throw new NotFoundException();
    reply.headers({ ...HEADERS, 'content-type': type });
    return text;
  }
}
