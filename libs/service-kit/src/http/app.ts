import {
  type CanActivate,
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  Header,
  Inject,
  Injectable,
  Module,
  Res,
  SetMetadata,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LaneHost } from '../lane-host.ts';
import type { Log } from '../logger.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { OPEN, CredentialGuard } from './credential.guard.ts';
import { openApiDocument } from './openapi.ts';
import { ContractPipe } from './contract.pipe.ts';
import { ProblemFilter } from './problem.filter.ts';
import { type Answered, countRequests, traceRequests } from './observed-requests.ts';

/** Largest request body; a policy is the largest thing anyone sends. */
const BODY_MAX_BYTES = 1_200_000;

/**
 * No URL that Node takes is longer, so that the router refuses none for its length: it would do so in words of its own,
 * and the contract names the field.
 */
const URL_MAX_LENGTH = 16_384;

/** How long requests under way have when the process ends; who is not through by then is cut off. */
const LAST_REQUESTS_MS = 5_000;

/** What a process says of itself, where it is one replica among others. */
export interface Probes {
  /** Resolves when this replica has folded what stands in the log; requests wait for it. */
  readonly current: () => Promise<void>;
  readonly isReady: () => Promise<boolean>;
  /** In Prometheus's text format. */
  readonly metrics: () => Promise<string>;
  /** Whether its requests have spans. */
  readonly isTraced: boolean;
  /** Told of every request that has been answered, but for what probes ask. */
  readonly answered: (request: Answered) => void;
}

/** One process that writes whatever it reads is always current. */
const ALONE: Probes = {
  current: () => Promise.resolve(),
  isReady: () => Promise.resolve(true),
  metrics: () => Promise.resolve(''),
  isTraced: false,
  answered: () => undefined,
};

const PROBES = Symbol('probes');

interface Reply {
  status(code: number): Reply;
}

@Controller()
class HealthController {
  readonly #document = openApiDocument();
  readonly #messages = asyncApiDocument();

  constructor(
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(PROBES) private readonly probes: Probes,
  ) {}

  @Get('healthz')
  @SetMetadata(OPEN, true)
  health(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @SetMetadata(OPEN, true)
  async ready(
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<{ status: string; lanes: number }> {
    const isReady = await this.probes.isReady();
    if (!isReady) reply.status(503);
    return { status: isReady ? 'ready' : 'behind the log', lanes: this.host.lanes.length };
  }

  @Get('metrics')
  @SetMetadata(OPEN, true)
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.probes.metrics();
  }

  @Get('openapi.json')
  @SetMetadata(OPEN, true)
  document(): Record<string, unknown> {
    return this.#document;
  }

  @Get('asyncapi.json')
  @SetMetadata(OPEN, true)
  messages(): Record<string, unknown> {
    return this.#messages;
  }
}

/** Before anything is looked up: what another service has acknowledged is seen here too. */
@Injectable()
class CurrentGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(PROBES) private readonly probes: Probes,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const open = this.reflector.get<boolean | undefined>(OPEN, context.getHandler());
    if (!open) await this.probes.current();
    return true;
  }
}

@Module({})
class ServiceHttpModule {}

/**
 * A NestJS application on Fastify with the guard, validation and problem details every service has.
 *
 * @param modules the services' modules; each brings its controllers.
 * @param probes left out where one process is all there is.
 */
export async function createHttpApp(
  host: LaneHost,
  modules: readonly DynamicModule[],
  log: Log,
  probes: Probes = ALONE,
): Promise<NestFastifyApplication> {
  const root: DynamicModule = {
    module: ServiceHttpModule,
    global: true,
    imports: [...modules],
    controllers: [HealthController],
    providers: [
      { provide: LaneHost, useValue: host },
      { provide: PROBES, useValue: probes },
      { provide: APP_GUARD, useClass: CurrentGuard },
      { provide: APP_GUARD, useClass: CredentialGuard },
    ],
    exports: [LaneHost],
  };
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: URL_MAX_LENGTH },
  });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: ['error', 'fatal'],
    abortOnError: false,
  });
  adapter.getInstance().addHook('preClose', (done) => {
    // Half a request, or an answer that nobody takes, would hold up the end for as long as its sender likes.
    setTimeout(() => adapter.getHttpServer().closeAllConnections(), LAST_REQUESTS_MS).unref();
    done();
  });
  if (probes !== ALONE) countRequests(adapter.getInstance(), probes.answered);
  if (probes.isTraced) traceRequests(adapter.getInstance());
  app.useGlobalPipes(new ContractPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  return app;
}
