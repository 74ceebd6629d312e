/**
 * Settings as they may be shown: JSON, two spaces deep. Of a URL only scheme, host and port are left, as providers put
 * their keys into the path, the query or the user.
 */
export function shownSettings(settings: object): string {
  return JSON.stringify(
    settings,
    (_, value: unknown) => (typeof value === 'string' ? withoutKeys(value) : value),
    2,
  );
}

const REST = '…';

function withoutKeys(text: string): string {
  if (!/^[a-z]+:\/\//i.test(text)) return text;
  const url = URL.parse(text);
  if (url === null) return REST;
  const origin = `${url.protocol}//${url.host}`;
  return text === origin || text === `${origin}/` ? text : `${origin}/${REST}`;
}
