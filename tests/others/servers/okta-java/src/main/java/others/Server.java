package others;

import com.okta.jwt.AccessTokenVerifier;
import com.okta.jwt.JwtVerificationException;
import com.okta.jwt.JwtVerifiers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** An API on Okta's verifier for Java, as its README sets it up. {@code /health} is open, any other path needs a token. */
public final class Server {
    private static final AccessTokenVerifier VERIFIER = JwtVerifiers.accessTokenVerifierBuilder()
        .setIssuer(System.getenv("ISSUER"))
        .setAudience(System.getenv("AUDIENCE"))
        .build();

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0 && arguments[0].equals("measure")) {
            Measure.print(VERIFIER::decode);
            return;
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", Server::respond);
        server.start();
        System.out.println("listening on " + server.getAddress().getPort());
    }

    private static void respond(HttpExchange exchange) throws IOException {
        try (exchange) {
            boolean served = exchange.getRequestURI().getPath().equals("/health") || isVerified(exchange);
            exchange.sendResponseHeaders(served ? 200 : 401, -1);
        }
    }

    private static boolean isVerified(HttpExchange exchange) {
        String field = exchange.getRequestHeaders().getFirst("Authorization");
        if (field == null || !field.regionMatches(true, 0, "Bearer ", 0, 7)) return false;
        try {
            VERIFIER.decode(field.substring(7).trim());
            return true;
        } catch (JwtVerificationException rejected) {
            return false;
        }
    }
}
