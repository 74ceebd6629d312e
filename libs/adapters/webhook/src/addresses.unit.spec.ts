import { describe, expect, it } from 'vitest';
import { isLocalAddress, isPublicAddress } from './addresses.ts';

describe('an address', () => {
  it.each([
    ...['1.1.1.1', '8.8.8.8', '93.184.215.14', '172.15.255.255', '172.32.0.0', '100.63.255.255'],
    ...['100.128.0.0', '169.253.255.255', '223.255.255.255', '192.167.255.255', '11.0.0.0'],
    ...['2606:4700:4700::1111', '2a00:1450:4001:80b::200e', '2003::1', '2001:200::1'],
  ])('on the internet is public: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
    expect(isLocalAddress(address)).toBe(false);
  });

  it.each([
    ...['0.0.0.0', '0.1.2.3', '255.255.255.255', '240.0.0.1', '224.0.0.1', '239.255.255.255'],
    ...['169.254.169.254', '169.254.170.2', '100.64.0.1', '100.100.100.200', '168.63.129.16'],
    ...['192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '192.88.99.1'],
    ...['::', '::ffff:8.8.8.8', '::ffff:127.0.0.1', '::ffff:7f00:1', '::7f00:1', '::127.0.0.1'],
    ...['64:ff9b::8.8.8.8', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '2002:7f00:1::', '2001::1'],
    ...['2001:db8::1', '3fff::1', 'fe80::1', 'fec0::1', 'ff02::1', 'fd00:ec2::254', '4000::1'],
    ...['fe80::1%eth0', '2606:4700::1%lo', '', 'localhost', '127.1', '0x7f.0.0.1', '1.1.1.1/8'],
  ])('that leads to nobody, to a group or to a metadata service is neither: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(isLocalAddress(address)).toBe(false);
  });

  it.each([
    ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['::1', '0:0:0:0:0:0:0:1', 'fc00::1', 'fd12:3456:789a::1'],
  ])('of this machine or its network is local: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(isLocalAddress(address)).toBe(true);
  });
});
