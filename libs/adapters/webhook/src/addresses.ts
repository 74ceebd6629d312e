import { BlockList, isIP } from 'node:net';

const INSIDE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

const v4 = new BlockList();
for (const [net, prefix] of INSIDE_V4) v4.addSubnet(net, prefix, 'ipv4');
/** Of IPv6 only global unicast leads outside, less what embeds an IPv4 address or documents something. */
const outsideV6 = new BlockList();
outsideV6.addSubnet('2000::', 3, 'ipv6');
const exceptV6 = new BlockList();
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  exceptV6.addSubnet(net, prefix, 'ipv6');

/** Whether an address is on the public internet; whatever cannot be told is not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !v4.check(address, 'ipv4');
    case 6:
      return outsideV6.check(address, 'ipv6') && !exceptV6.check(address, 'ipv6');
    default:
      return false;
  }
}
