import { Controller, Get, Inject, Module, SetMetadata, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LaneHost } from '../lane-host.ts';
import type { Log } from '../logger.ts';
import { OPEN, CredentialGuard } from './credential.guard.ts';
import { openApiDocument } from './openapi.ts';
import { ContractPipe } from './contract.pipe.ts';
import { ProblemFilter } from './problem.filter.ts';

/** Largest request body; a policy is the largest thing anyone sends. */
const BODY_MAX_BYTES = 1_200_000;

@Controller()
class HealthController {
  readonly #document = openApiDocument();

  constructor(@Inject(LaneHost) private readonly host: LaneHost) {}

  @Get('healthz')
  @SetMetadata(OPEN, true)
  health(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @SetMetadata(OPEN, true)
  ready(): { status: string; lanes: number } {
    return { status: 'ready', lanes: this.host.lanes.length };
  }

  @Get('openapi.json')
  @SetMetadata(OPEN, true)
  document(): Record<string, unknown> {
    return this.#document;
  }
}

@Module({})
class ServiceHttpModule {}

/**
 * A NestJS application on Fastify with the guard, validation and problem details every service has.
 *
 * @param modules the services' modules; each brings its controllers.
 */
export async function createHttpApp(
  host: LaneHost,
  modules: readonly DynamicModule[],
  log: Log,
): Promise<NestFastifyApplication> {
  const root: DynamicModule = {
    module: ServiceHttpModule,
    global: true,
    imports: [...modules],
    controllers: [HealthController],
    providers: [
      { provide: LaneHost, useValue: host },
      { provide: APP_GUARD, useClass: CredentialGuard },
    ],
    exports: [LaneHost],
  };
  const adapter = new FastifyAdapter({ bodyLimit: BODY_MAX_BYTES, requestTimeout: 120_000 });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: ['error', 'fatal'],
    abortOnError: false,
  });
  app.useGlobalPipes(new ContractPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  return app;
}
