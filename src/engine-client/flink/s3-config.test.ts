import { s3KeySaidTwice } from './s3-config.ts';

test('keys of engine.config that say what fields say of state on S3 are named, and others are the user’s', () => {
  const onS3 = { uri: 's3://jobs/state' };
  const said = { 's3.endpoint': 'http://minio:9000' };
  expect(s3KeySaidTwice(onS3, said)).toBe('s3.endpoint');
  expect(s3KeySaidTwice(onS3, { 'fs.s3a.path.style.access': 'true' })).toBe('fs.s3a.path.style.access');
  expect(s3KeySaidTwice(onS3, { 's3.secret-key': 'x' })).toBe('s3.secret-key');
  expect(s3KeySaidTwice(onS3, { 's3.connection.maximum': '50' })).toBeNull();
  // A job with its state on a volume may read and write tables on S3.
  expect(s3KeySaidTwice({ uri: 'file:///state' }, said)).toBeNull();
});
