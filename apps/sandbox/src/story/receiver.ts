import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const Message = z.object({ kind: z.string(), paymentId: z.string(), title: z.string() });
export type Message = z.infer<typeof Message>;

/** Where the story's notifications arrive: the people of this sandbox. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  messagesAbout(paymentId: string): readonly Message[];
}

export async function startReceiver(): Promise<Receiver> {
  const messages: Message[] = [];
  const server = createServer((request, response) => void take(request, response));
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = Message.safeParse(await json(request));
    if (message.success) messages.push(message.data);
    response.writeHead(message.success ? 204 : 400).end();
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    messagesAbout: (paymentId) => messages.filter((message) => message.paymentId === paymentId),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
