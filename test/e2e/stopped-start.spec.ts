import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** Takes connections and answers nobody, as a server that is about to start. */
async function silentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, asked: once(server, 'connection') };
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends a service in order that has not started',
  async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-stopped-start-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const secretFile = join(folder, 'secret-id');
    writeFileSync(secretFile, 'secret');
    const kafka = await silentServer();
    const child = spawn(process.execPath, ['--import', 'tsx', 'apps/intake/src/main.ts'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        COUNTERSIGN_PORT: '0',
        COUNTERSIGN_STATE_DIR: join(folder, 'state'),
        COUNTERSIGN_KAFKA_BROKERS: kafka.address,
        COUNTERSIGN_LANES: '1',
        COUNTERSIGN_TRUSTED_KEYS: `intake=${'k'.repeat(43)}`,
        COUNTERSIGN_VAULT_ADDRESS: 'http://127.0.0.1:9',
        COUNTERSIGN_VAULT_ROLE_ID: 'role',
        COUNTERSIGN_VAULT_SECRET_ID_FILE: secretFile,
      },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    let trouble = '';
    child.stderr.on('data', (text: Buffer) => (trouble += text.toString()));
    const ended = once(child, 'close');
    await Promise.race([kafka.asked, ended]);
    child.kill(signal);
    expect(await ended, trouble).toEqual([0, null]);
    expect(said).toBe('');
  },
);
