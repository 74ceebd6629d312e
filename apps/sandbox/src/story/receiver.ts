import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
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
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const message = Message.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (message.success) messages.push(message.data);
    response.writeHead(message.success ? 204 : 400).end();
  });
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
