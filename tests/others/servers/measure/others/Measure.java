package others;

import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Prints the cost of a warm verification, and that of the bare signature, as one line of JSON. */
final class Measure {
    interface Work<I> {
        Object apply(I input) throws Exception;
    }

    private static final int WARM = 15;
    private static final int ROUNDS = 40;
    private static final int CALLS = 500;

    static void print(Work<String> verify) throws Exception {
        String token = System.getenv("TOKEN");
        PublicKey key = KeyFactory.getInstance("RSA")
            .generatePublic(new RSAPublicKeySpec(number("n"), number("e")));
        int at = token.lastIndexOf('.');
        byte[] signed = token.substring(0, at).getBytes(StandardCharsets.US_ASCII);
        byte[] signature = Base64.getUrlDecoder().decode(token.substring(at + 1));
        Work<String> raw = ignored -> {
            Signature verifier = Signature.getInstance("SHA256withRSA");
            verifier.initVerify(key);
            verifier.update(signed);
            if (!verifier.verify(signature)) throw new IllegalStateException("the signature is wrong");
            return verifier;
        };
        StringJoiner rounds = new StringJoiner(",", "{\"rounds\":[", "]}");
        for (int round = 0; round < WARM + ROUNDS; round++) {
            String line = "{\"verify\":" + cost(verify, token) + ",\"raw\":" + cost(raw, token) + "}";
            if (round >= WARM) rounds.add(line);
        }
        System.out.println(rounds);
    }

    /** The CPU time of this thread, because the compiler and the garbage collector work on others. */
    private static double cost(Work<String> work, String token) throws Exception {
        long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (int call = 0; call < CALLS; call++) work.apply(token);
        return (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before) / (double) CALLS;
    }

    private static BigInteger number(String member) {
        Matcher matcher = Pattern.compile("\"" + member + "\":\"([^\"]*)\"").matcher(System.getenv("JWK"));
        if (!matcher.find()) throw new IllegalArgumentException("the key has no " + member);
        return new BigInteger(1, Base64.getUrlDecoder().decode(matcher.group(1)));
    }
}
