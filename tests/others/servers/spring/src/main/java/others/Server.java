package others;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API on Spring Security, as its reference sets it up. {@code /health} is open, any other path needs a token. */
@SpringBootApplication
@RestController
public class Server {
    public static void main(String[] arguments) throws Exception {
        System.setProperty("spring.security.oauth2.resourceserver.jwt.issuer-uri", System.getenv("ISSUER"));
        System.setProperty("spring.security.oauth2.resourceserver.jwt.audiences", System.getenv("AUDIENCE"));
        System.setProperty("server.address", "127.0.0.1");
        System.setProperty("server.port", "0");
        System.setProperty("logging.level.root", "ERROR");
        System.setProperty("spring.main.banner-mode", "off");
        var context = (ServletWebServerApplicationContext) SpringApplication.run(Server.class);
        if (arguments.length > 0 && arguments[0].equals("measure")) {
            Measure.print(context.getBean(JwtDecoder.class)::decode);
            context.close();
        } else {
            System.out.println("listening on " + context.getWebServer().getPort());
        }
    }

    @Bean
    SecurityFilterChain filterChain(HttpSecurity http) throws Exception {
        return http
            .csrf(csrf -> csrf.disable()) // the API has no sessions, and requests of other methods than GET are sent too
            .authorizeHttpRequests(authorize -> authorize
                .requestMatchers("/health").permitAll()
                .anyRequest().authenticated())
            .oauth2ResourceServer(oauth2 -> oauth2.jwt(Customizer.withDefaults()))
            .build();
    }

    @RequestMapping("/**")
    String serve() {
        return "ok";
    }
}
