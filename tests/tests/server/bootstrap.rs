//! A certificate from the factory lets a device enroll.

use std::sync::Arc;

use libtest_mimic::Trial;
use tests::{Backends, Context};

use crate::serving::Serving;
use crate::site::Site;
use crate::workshop::P256;

pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, [a_device_enrolls_with_the_certificate_of_a_configured_authority])
}

async fn a_device_enrolls_with_the_certificate_of_a_configured_authority(cx: Context) {
    let site = Site::new(&cx).await;
    let workshop = &site.workshop;
    workshop.key("factory.key", P256);
    workshop.authority("factory", "/CN=Factory CA");
    site.request("factory-made", "gateway-7");
    workshop.write("purpose", "extendedKeyUsage=clientAuth\n");
    workshop.openssl(
        "x509 -req -inform DER -in factory-made.csr -CA factory.pem -CAkey factory.key -set_serial 7 -days 30 \
         -extfile purpose -out factory-made.pem",
    );
    site.request("device", "gateway-7");
    site.request("other", "gateway-8");
    let with_it = "--cert factory-made.pem --key factory-made.key";

    let server = Serving::start(&site);
    let answer = site.post(&server, "simpleenroll", "device", with_it);
    answer.refused(401, "certificate_not_from_device_issuer");
    server.stop();

    site.configure("[api]\n", "[[est.bootstrap]]\ncertificate = \"../factory.pem\"\n\n[api]\n");
    site.run(&["config", "check"]).done();
    let server = Serving::start(&site);
    site.keep(&site.post(&server, "simpleenroll", "device", with_it), "device");
    assert_eq!(site.x509("device", "subject"), "subject=CN = gateway-7");
    site.post(&server, "simpleenroll", "other", with_it).refused(403, "enrollment_name_mismatch");
    server.stop();
}
