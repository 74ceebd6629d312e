/** Apache Kafka, one node that is broker and controller, from Maven's jars. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingServer, cached } from './cache.mjs';
import { command, onPath } from './command.mjs';
import { folderFor, freePorts, launch } from './server.mjs';

const VERSION = '4.1.1';
const JAVA_MIN = 17;
const POM = fileURLToPath(new URL('kafka/pom.xml', import.meta.url));
const MAIN = 'kafka.Kafka';

/** The folder of jars, fetched once. */
export async function fetchKafka() {
  const missing = ['java', 'mvn'].filter((program) => !onPath(program));
  if (missing.length > 0)
    throw new MissingServer(`Kafka: needs Java ${JAVA_MIN} and Maven; no ${missing.join(', no ')}`);
  return cached(`kafka-${VERSION}`, async (folder) => {
    const target = [`-DoutputDirectory=${folder}`, '-DincludeScope=runtime'];
    await command('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', ...target]);
  });
}

/**
 * @param options.advertisedPort where clients are sent to; for a relay in front of the broker
 * @param options.settings lines of server.properties by name, beside and before ours
 * @param options.ports the broker's, the controller's, and those of listeners in `settings`
 * @param options.folder, options.detached, options.onSpawn see `launch`
 */
export async function startKafka(options = {}) {
  const jars = await fetchKafka();
  const { folder, temporary } = folderFor('kafka', options.folder);
  const ports = options.ports ?? (await freePorts(2));
  const file = join(folder, 'server.properties');
  writeFileSync(file, properties({ ...options, folder, ports }));
  const classes = ['-cp', join(jars, '*')];
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    const tool = [...classes, 'kafka.tools.StorageTool'];
    const id = (await command('java', [...tool, 'random-uuid'])).trim();
    await command('java', [...tool, 'format', '-t', id, '-c', file]);
  }
  const server = await launch({
    name: 'kafka',
    program: 'java',
    args: ['-Xmx512m', '-XX:TieredStopAtLevel=1', ...classes, MAIN, file],
    folder,
    temporary,
    ports,
    detached: options.detached,
    onSpawn: options.onSpawn,
  });
  const [port] = ports;
  return Object.assign(server, { ports, brokers: [`127.0.0.1:${options.advertisedPort ?? port}`] });
}

function properties({ folder, ports: [port, controllerPort], advertisedPort, settings }) {
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort ?? port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Duty changes hands after three seconds of silence; the broker's own minimum is six.
    'group.min.session.timeout.ms': 1_000,
    'auto.create.topics.enable': false,
    ...settings,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
