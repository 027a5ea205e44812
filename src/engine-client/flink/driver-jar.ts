// The jar that a submission of SQL names: Flink asks for one, and what it runs is in its own lib folder. So this has no more than a manifest, and is small enough
// to come with the configuration: nothing has to be uploaded.

export const DRIVER_JAR = 'sql-driver.jar';

/** Its bytes in base64: a ZIP file with META-INF/MANIFEST.MF, which says `Manifest-Version: 1.0`. */
export const DRIVER_JAR_CONTENT =
  'UEsDBBQAAAAAAAAAIQCyfwLuGQAAABkAAAAUAAAATUVUQS1JTkYvTUFOSUZFU1QuTUZNYW5pZmVzdC1WZXJzaW9uOiAxLjANCg0KUEsBAhQDFAAAAAAAAAAhALJ/Au4ZAAAAGQAAABQAAAAAAAAAAAAAAIABAAAAAE1FVEEtSU5GL01BTklGRVNULk1GUEsFBgAAAAABAAEAQgAAAEsAAAAAAA==';

/** Where Flink keeps what was uploaded, below `web.upload.dir`. */
export const UPLOADS = 'flink-web-upload';
