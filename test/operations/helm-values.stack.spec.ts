import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SERVICES, type Service } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../deploy/settings.ts';
import { CHART, fileOf, helm, render } from './chart.ts';

const Given = z.looseObject({
  services: z.partialRecord(
    z.enum(SERVICES),
    z.looseObject({
      settings: z.record(z.string(), z.unknown()).optional(),
      secrets: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

function external(): z.infer<typeof Given> {
  return Given.parse(parse(readFileSync(fileOf('external'), 'utf8')));
}

/** The example with something else in it, or without something. */
function renderEdited(edit: (values: z.infer<typeof Given>) => void) {
  const values = external();
  edit(values);
  return spawnSync(helm, ['template', 'cs', CHART, '-f', '-'], {
    encoding: 'utf8',
    input: JSON.stringify(values),
  });
}

/** What a service demands and the chart does not say by itself: the example's values say it. */
function demanded(): [service: Service, name: string][] {
  const { services } = external();
  return SERVICES.flatMap((service) => {
    const { required = [] } = z.toJSONSchema(SETTINGS[service], { io: 'input' });
    const given = { ...services[service]?.settings, ...services[service]?.secrets };
    return required
      .filter((name) => name in given)
      .map((name): [Service, string] => [service, name]);
  });
}

describe('values that are wrong', () => {
  it.each([
    ['services.signer.settings.COUNTERSIGN_CEILING_PER_DAY=much', /CEILING_PER_DAY/],
    ['services.intake.settings.COUNTERSIGN_REDIS_URL_FILE=x', /COUNTERSIGN_REDIS_URL_FILE/],
    ['settings.COUNTERSIGN_LANE=8', /COUNTERSIGN_LANE/],
    ['services.sinner.replicas=1', /sinner/],
    ['replicas=0', /replicas/],
  ])('%s are refused before anything is installed', (wrong, names) => {
    const { status, stderr } = render('external', '--set-string', wrong);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(names);
  });

  it.each(demanded())('lack what %s demands: %s', (service, name) => {
    const { status, stderr } = renderEdited(({ services }) => {
      delete services[service]?.settings?.[name];
      delete services[service]?.secrets?.[name];
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`/services/${service}`);
    expect(stderr).toContain(`'${name}'`);
  });

  it('may have from a Secret whatever else would be a setting', () => {
    const name = 'COUNTERSIGN_CEILING_PER_DAY';
    const { status, stderr } = renderEdited(({ services: { signer } }) => {
      delete signer?.settings?.[name];
      Object.assign(signer?.secrets ?? {}, { [name]: { secret: 'limits', key: 'day' } });
    });
    expect(status, stderr).toBe(0);
  });

  it.each(['kafka', 'vault', 'redis'])('say of no peer where %s is', (server) => {
    const none = ['--set-json', `network.${server}.peers=[]`];
    const { status, stderr } = render('external', ...none);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`network.${server}.peers is empty`);
    expect(render('external', ...none, '--set', 'network.enabled=false')).toMatchObject({
      status: 0,
    });
  });

  it('are also those that lack what has no default', () => {
    const { status, stderr } = spawnSync(helm, ['template', 'cs', CHART], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('COUNTERSIGN_TRUSTED_KEYS');
    expect(stderr).toContain('COUNTERSIGN_KAFKA_BROKERS');
  });
});
