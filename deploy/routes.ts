import { ROUTES } from '@countersign/contracts';

type Served = (typeof ROUTES)[keyof typeof ROUTES]['service'];

/** Paths of one service, as regular expressions that nginx understands; what nobody names is intake's. */
interface RoutedPath {
  readonly pattern: string;
  readonly service: Served;
}

/** What an ingress must know: which service answers which path. Paths without parameters come first, as they win. */
export function routedPaths(): readonly RoutedPath[] {
  const all = new Map<string, Served>([
    ['^/$', 'approval'],
    ['^/approve(/.*)?$', 'approval'],
  ]);
  const routes = Object.values(ROUTES).toSorted(
    (a, b) => Number(a.path.includes(':')) - Number(b.path.includes(':')),
  );
  for (const { path, service } of routes) {
    const pattern = `^${path.replaceAll(/:[a-z]+/gi, '[^/]+')}$`;
    if (!all.has(pattern)) all.set(pattern, service);
  }
  return [...all].map(([pattern, service]) => ({ pattern, service }));
}

/** nginx as the one address before the services. */
export function nginxConf(): string {
  const places = routedPaths().map(({ pattern, service }) => `    ~${pattern} ${service};`);
  return `# Made by deploy/generate.ts from the routes of the API.
pid /tmp/nginx.pid;
events {}
http {
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  access_log off;
  # The first that fits wins.
  map $uri $service {
    default intake;
${places.join('\n')}
  }
  server {
    listen 8080;
    client_max_body_size 2m;
    # A name that stands in a variable is looked up again, and not at the start alone: a service may come back under another
    # address.
    resolver 127.0.0.11 valid=5s;
    proxy_http_version 1.1;
    # Streams of events pass as they come; agents may wait a minute for people.
    proxy_buffering off;
    proxy_read_timeout 130s;
    proxy_set_header Connection '';
    location = /metrics { return 404; }
    location / { proxy_pass http://$service:8080; }
  }
}
`;
}
