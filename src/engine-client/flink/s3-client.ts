// A client of S3, and of what speaks as S3 does, for programs in pods: credentials, and the region where none is named, are those of the environment.
import { S3Client } from '@aws-sdk/client-s3';
import { isPathStyle, type S3Access } from '../../api/s3.ts';

const ATTEMPTS = 5;

export function s3Client(access: S3Access): S3Client {
  const { endpoint } = access;
  return new S3Client({
    region: access.region ?? process.env['AWS_REGION'] ?? 'us-east-1',
    forcePathStyle: isPathStyle(access),
    maxAttempts: ATTEMPTS,
    ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint }),
  });
}

export interface S3Place {
  bucket: string;
  key: string;
}

/** Of `s3://BUCKET/KEY`. */
export function s3PlaceOf(path: string): S3Place {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (bucket === undefined || key === undefined) throw new RangeError(`${path} names no object: write s3://BUCKET/KEY`);
  return { bucket, key };
}
